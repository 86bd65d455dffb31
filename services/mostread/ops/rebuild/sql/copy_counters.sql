-- What the log cannot give again: counters of other topics, and of each partition that no
-- longer begins at its first record those of windows that started by then.
INSERT INTO {new:Identifier}.counters
    (site, grain, window, article_id, topic_id, partition, views, comments, likes, version)
SELECT site, grain, window, article_id, topic_id, partition, views, comments, likes, version
FROM {old:Identifier}.counters FINAL
WHERE topic_id != {topic:UUID}
    OR toUnixTimestamp(window) <= transform(partition, {partitions:Array(UInt32)}, {kept_until:Array(Int64)}, toInt64(-1))
