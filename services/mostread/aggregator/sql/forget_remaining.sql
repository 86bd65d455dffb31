-- Whether a stored key still needs zeros: forget_zeros.sql.
SELECT count()
FROM
(
    SELECT 1
    FROM counter_versions
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
      AND topic_id = {topic:UUID} AND partition IN {partitions:Array(UInt32)}
    GROUP BY site, grain, window, article_id, topic_id, partition
    HAVING max(version) < transform(partition, {partitions:Array(UInt32)}, {offsets:Array(UInt64)}, toUInt64(0))
    LIMIT 1
)
SETTINGS optimize_aggregation_in_order = 1
