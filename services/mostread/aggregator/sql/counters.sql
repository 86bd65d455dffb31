-- Counters by key: (site, grain, window, article_id). The keys are text that CAST parses: as
-- literals, the parsing of the query would take several times as long as its execution. Aliases
-- named like columns would keep the condition from using the sorting key. The last row marks the
-- end of a complete response, so it sorts last.
SELECT *
FROM
(
    SELECT
        partition, site, toString(grain), toUnixTimestamp(window), article_id,
        views, comments, likes, version
    FROM counter_versions FINAL
    WHERE (site, grain, window, article_id) IN
        (
            SELECT key.1, key.2, key.3, key.4
            FROM (SELECT arrayJoin(CAST({keys}, 'Array(Tuple(String, String, UInt32, String))')) AS key)
        )
        AND topic_id = '{topic}' AND partition IN ({partitions})
    UNION ALL
    SELECT {no_partition}, '', 'total', 0, '', 0, 0, 0, 0
)
ORDER BY partition
