-- Whether a stored key still needs zeros: forget_zeros.sql.
SELECT count()
FROM
(
    SELECT 1
    FROM counter_versions
    WHERE site IN {sites:Array(String)} AND (article_id IN {articles:Array(String)} OR {all:Bool})
      AND topic_id = {topic:UUID} AND partition IN {partitions:Array(UInt32)}
    GROUP BY site, grain, window, article_id, topic_id, partition
    HAVING max(version) < greatest(
      transform(concat(site, '\n', article_id, '\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0)),
      transform(concat(site, '\n\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0)))
    LIMIT 1
)
SETTINGS optimize_aggregation_in_order = 1
