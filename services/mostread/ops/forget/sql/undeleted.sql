-- Rows of before a forget that ClickHouse still has to delete: counters, of imports and of earlier
-- topics too, descriptions and decisions.
SELECT
(
    SELECT count() FROM counter_versions
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
      AND (topic_id != {topic:UUID}
        OR version < transform(partition, {partitions:Array(UInt32)}, {offsets:Array(UInt64)}, toUInt64(0)))
) + (
    SELECT count() FROM article_versions
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
) + (
    SELECT count() FROM placement_log
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
)
