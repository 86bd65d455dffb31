-- Which visitors the articles of some partitions had from an hour on. The last row shows the answer
-- to be whole.
SELECT
    partition, site, article_id, toUnixTimestamp(hour), since, views, heaviest, heaviest_views, lowest, version
FROM visitors FINAL
WHERE topic_id = %(topic)s AND partition IN %(partitions)s AND hour >= fromUnixTimestamp(toInt64(%(since)s))
UNION ALL
SELECT %(no_partition)s, '', '', 0, 0, 0, [], [], [], 0
