INSERT INTO {new:Identifier}.checkpoints
    (topic, topic_id, partition, partitions, next_offset, lost, record_time, watermark, received, counted, duplicate, late, dead_lettered, rules, written_at)
SELECT topic, topic_id, partition, partitions, next_offset, lost, record_time, watermark, received, counted, duplicate, late, dead_lettered, rules, written_at
FROM {old:Identifier}.checkpoints FINAL
WHERE topic_id != {topic:UUID}
