-- Counters of a partition. Read after its checkpoint, they may be ahead of it, never behind.
SELECT site, toString(grain), toUnixTimestamp(window), article_id, views, comments, likes, version
FROM counter_versions FINAL
WHERE topic_id = %(topic)s AND partition = %(partition)s
  AND (window >= toDateTime(%(since)s, 'UTC') OR %(since)s = 0)
