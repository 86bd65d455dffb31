-- Checkpoint of each partition of a topic.
SELECT
    partition, next_offset, toUnixTimestamp64Milli(record_time), toUnixTimestamp64Milli(watermark),
    received, counted, duplicate, late, dead_lettered, excluded
FROM checkpoint_versions FINAL
WHERE topic_id = %(topic)s
