-- Views of the same time that are counted already, by source: minutes within their TTL, hours
-- before that. Imported totals have no time and never overlap.
SELECT source, sum(views) AS views
FROM
(
    SELECT
        multiIf(
            topic_id IN (SELECT topic_id FROM checkpoint_versions), 'live events',
            name != '', concat('the import ', name),
            'an interrupted import') AS source,
        views
    FROM
    (
        SELECT topic_id, sum(views) AS views
        FROM counter_versions FINAL
        WHERE site = %(site)s AND topic_id != %(topic)s
          AND (
            (grain = 'minute' AND window >= toDateTime(greatest(%(first)s, %(minutes_since)s), 'UTC') AND window <= toDateTime(%(last)s, 'UTC'))
            OR (grain = 'hour' AND window >= toStartOfHour(toDateTime(%(first)s, 'UTC')) AND window <= toDateTime(%(last)s, 'UTC')
                AND window < toDateTime(%(minutes_since)s, 'UTC'))
          )
        GROUP BY topic_id
        HAVING views > 0
    ) AS overlapping
    LEFT JOIN (SELECT topic_id, name FROM import_versions FINAL WHERE NOT removed) AS named USING (topic_id)
)
GROUP BY source
ORDER BY source
