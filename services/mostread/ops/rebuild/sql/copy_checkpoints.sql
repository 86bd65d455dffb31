INSERT INTO {new:Identifier}.checkpoints
    (topic, topic_id, partition, partitions, next_offset, record_time, watermark, received, counted, duplicate, late, dead_lettered, rules)
SELECT topic, topic_id, partition, partitions, next_offset, record_time, watermark, received, counted, duplicate, late, dead_lettered, rules
FROM {old:Identifier}.checkpoints FINAL
WHERE topic_id != {topic:UUID}
