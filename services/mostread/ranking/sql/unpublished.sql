-- Those of some articles that are under embargo, deleted, or scheduled for after `latest`. The
-- driver binds the ids in the request body.
SELECT article_id
FROM placements FINAL
WHERE site = %(site)s AND article_id IN %(articles)s
  AND fromUnixTimestamp64Milli(toInt64(%(at)s)) < embargo_until
UNION DISTINCT
SELECT article_id
FROM articles FINAL
WHERE site = %(site)s AND article_id IN %(articles)s
  AND (deleted OR published_at > fromUnixTimestamp64Milli(toInt64(%(latest)s)))
