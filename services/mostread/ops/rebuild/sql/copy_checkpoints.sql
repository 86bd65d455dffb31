INSERT INTO {new:Identifier}.checkpoint_versions
    (topic, topic_id, partition, partitions, next_offset, lost, record_time, watermark, received, counted, duplicate, late, dead_lettered, excluded, rules, written_at)
SELECT topic, topic_id, partition, partitions, next_offset, lost, record_time, watermark, received, counted, duplicate, late, dead_lettered, excluded, rules, written_at
FROM {old:Identifier}.checkpoint_versions FINAL
WHERE topic_id != {topic:UUID}
