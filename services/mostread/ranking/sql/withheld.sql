-- Those of some articles that are withheld: `standing` in core/editorial/placements.py. Without
-- `unlisted`, only those that no reader can know: hidden and expired articles may still be on the
-- publisher's pages. The driver binds the ids in the request body.
WITH fromUnixTimestamp64Milli(toInt64(%(at)s)) AS asked_at
SELECT article_id
FROM
(
    SELECT article_id, deleted, hidden AS cms_hidden, published_at
    FROM article_versions FINAL
    WHERE %(in_articles)s AND article_id IN %(articles)s
) AS described
FULL JOIN
(
    SELECT article_id, embargo_until, expires_at, if(until IS NULL OR asked_at < until, hidden, NULL) AS decided_hidden
    FROM placement_versions FINAL
    WHERE %(in_placements)s AND article_id IN %(articles)s
) AS decided USING (article_id)
WHERE deleted OR ifNull(published_at > fromUnixTimestamp64Milli(toInt64(%(latest)s)), false) OR ifNull(asked_at < embargo_until, false)
  OR %(unlisted)s AND (coalesce(decided_hidden, cms_hidden) OR ifNull(expires_at <= asked_at, false))
SETTINGS join_use_nulls = 0
