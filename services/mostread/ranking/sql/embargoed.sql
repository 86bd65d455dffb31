-- Those of some articles that are under embargo.
SELECT article_id
FROM placements FINAL
WHERE site = %(site)s AND article_id IN %(articles)s
  AND fromUnixTimestamp64Milli(toInt64(%(at)s)) < embargo_until
  AND (until IS NULL OR fromUnixTimestamp64Milli(toInt64(%(at)s)) < until)
