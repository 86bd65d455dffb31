-- The former ids of one article.
SELECT article_id, canonical_id
FROM %(aliases)s
WHERE canonical_id = %(article)s
ORDER BY article_id
LIMIT 100
