-- Zeros at the offset of a forget, for the stored keys that it names whose rows are all older. The
-- groups are in the order of the table, so ClickHouse holds few of them at a time.
INSERT INTO counter_versions
    (site, grain, window, article_id, topic_id, partition, views, comments, likes, version, epoch)
SELECT
    site, grain, window, article_id, topic_id, partition, 0, 0, 0,
    greatest(
      transform(concat(site, '\n', article_id, '\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0)),
      transform(concat(site, '\n\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0))) AS forgotten,
    {epoch:UInt32}
FROM counter_versions
WHERE site IN {sites:Array(String)} AND (article_id IN {articles:Array(String)} OR {all:Bool})
  AND topic_id = {topic:UUID} AND partition IN {partitions:Array(UInt32)}
GROUP BY site, grain, window, article_id, topic_id, partition
HAVING max(version) < forgotten
LIMIT {keys_at_once:UInt32}
SETTINGS optimize_aggregation_in_order = 1, max_partitions_per_insert_block = 0, async_insert = 0
