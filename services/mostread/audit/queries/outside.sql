-- The counters that are not of this topic: of one that was made again, or of none.
SELECT toString(topic_id), count(), sumIf(views, grain = 'total')
FROM counters FINAL
WHERE topic_id != %(topic)s
GROUP BY topic_id
ORDER BY topic_id
