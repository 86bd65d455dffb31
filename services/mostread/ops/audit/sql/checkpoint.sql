-- Checkpoint and outcomes of a partition.
SELECT next_offset, lost, toUnixTimestamp64Milli(record_time), received, counted, duplicate, late, dead_lettered, excluded
FROM checkpoint_versions FINAL
WHERE topic_id = %(topic)s AND partition = %(partition)s
