-- The counters of some keys: (site, grain, window, article_id). The last row shows the answer
-- to be whole.
SELECT
    partition, site, toString(grain), toUnixTimestamp(window), article_id,
    views, comments, likes, version
FROM counters FINAL
WHERE (site, grain, window, article_id) IN %(keys)s
  AND topic_id = %(topic)s AND partition IN %(partitions)s
UNION ALL
SELECT %(no_partition)s, '', '', 0, '', 0, 0, 0, 0
