-- The canonical ids of those that are former ids. The driver binds the ids in the request body.
SELECT article_id, canonical_id
FROM %(aliases)s
WHERE article_id IN %(articles)s
