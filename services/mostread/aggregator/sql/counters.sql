-- Counters by key: (site, grain, window, article_id). The last row marks the end of a complete
-- response, so it sorts last.
SELECT partition, site, grain, window, article_id, views, comments, likes, version
FROM
(
    SELECT
        partition, site, toString(grain) AS grain, toUnixTimestamp(window) AS window, article_id,
        views, comments, likes, version
    FROM counters FINAL
    WHERE ({keys}) AND topic_id = '{topic}' AND partition IN ({partitions})
    UNION ALL
    SELECT {no_partition}, '', 'total', 0, '', 0, 0, 0, 0
)
ORDER BY partition
