-- Whose views of the same time are counted already: minutes as long as these are kept, hours
-- before. Totals of an earlier system lie in no time.
SELECT whose, sum(views) AS views
FROM
(
    SELECT
        multiIf(
            topic_id IN (SELECT topic_id FROM progress), 'events that were sent',
            name != '', concat('the import ', name),
            'an import that was cut off') AS whose,
        views
    FROM
    (
        SELECT topic_id, sum(views) AS views
        FROM counters FINAL
        WHERE site = %(site)s AND topic_id != %(topic)s
          AND (
            (grain = 'minute' AND window >= toDateTime(greatest(%(first)s, %(minutes_since)s), 'UTC') AND window <= toDateTime(%(last)s, 'UTC'))
            OR (grain = 'hour' AND window >= toStartOfHour(toDateTime(%(first)s, 'UTC')) AND window <= toDateTime(%(last)s, 'UTC')
                AND window < toDateTime(%(minutes_since)s, 'UTC'))
          )
        GROUP BY topic_id
        HAVING views > 0
    ) AS counted
    LEFT JOIN (SELECT topic_id, name FROM imports FINAL WHERE NOT removed) AS named USING (topic_id)
)
GROUP BY whose
ORDER BY whose
