-- How far a partition is counted, and what became of its events.
SELECT next_offset, toUnixTimestamp64Milli(record_time), received, counted, duplicate, late, dead_lettered
FROM checkpoints FINAL
WHERE topic_id = %(topic)s AND partition = %(partition)s
