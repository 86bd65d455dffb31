-- Checkpoints of a topic. The last row marks the end of a complete response.
SELECT
    partition, next_offset, toUnixTimestamp64Milli(record_time), lost,
    toUnixTimestamp64Milli(watermark), received, counted, duplicate, late, dead_lettered, excluded,
    rules
FROM checkpoint_versions FINAL
WHERE topic_id = %(topic)s
UNION ALL
SELECT %(no_partition)s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
