-- Visitor sketches of some partitions from an hour on. The last row marks the end of a complete
-- response.
SELECT
    partition, site, article_id, toUnixTimestamp(hour), since, views, heaviest, heaviest_views, lowest, version
FROM visitor_sketches FINAL
WHERE topic_id = %(topic)s AND partition IN %(partitions)s AND hour >= fromUnixTimestamp(toInt64(%(since)s))
UNION ALL
SELECT %(no_partition)s, '', '', 0, 0, 0, [], [], [], 0
