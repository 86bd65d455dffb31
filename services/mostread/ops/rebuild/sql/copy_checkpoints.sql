INSERT INTO {new:Identifier}.progress
    (topic, topic_id, partition, partitions, next_offset, record_time, as_of, received, counted, duplicate, late, dead_lettered, rules)
SELECT topic, topic_id, partition, partitions, next_offset, record_time, as_of, received, counted, duplicate, late, dead_lettered, rules
FROM {old:Identifier}.progress FINAL
WHERE topic_id != {topic:UUID}
