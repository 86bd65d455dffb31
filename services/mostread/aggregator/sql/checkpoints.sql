-- How far each partition of a topic is counted. The last row shows the answer to be whole.
SELECT
    partition, next_offset, toUnixTimestamp64Milli(record_time),
    received, counted, duplicate, late, dead_lettered, rules
FROM checkpoints FINAL
WHERE topic_id = %(topic)s
UNION ALL
SELECT %(no_partition)s, 0, 0, 0, 0, 0, 0, 0, 0
