-- Counters of other topic ids: imports and recreated topics.
SELECT toString(topic_id), name, counters, views
FROM
(
    SELECT topic_id, count() AS counters, sumIf(views, grain = 'total') AS views
    FROM counter_versions FINAL
    WHERE topic_id != %(topic)s
    GROUP BY topic_id
) AS others
LEFT JOIN (SELECT topic_id, name FROM import_versions FINAL WHERE NOT removed) AS named USING (topic_id)
ORDER BY name, topic_id
