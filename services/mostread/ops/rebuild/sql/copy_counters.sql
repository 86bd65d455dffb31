-- Counters that the log cannot reproduce: those of other topics, and windows that are incomplete in
-- the log of a partition without its first records.
INSERT INTO {new:Identifier}.counter_versions
    (site, grain, window, article_id, topic_id, partition, views, comments, likes, version)
SELECT site, grain, window, article_id, topic_id, partition, views, comments, likes, version
FROM {old:Identifier}.counter_versions FINAL
WHERE topic_id != {topic:UUID}
    OR toUnixTimestamp(window) <= transform(partition, {partitions:Array(UInt32)}, {kept_until:Array(Int64)}, toInt64(-1))
