-- Every alias as it was written.
SELECT site, article_id, alias_of, by, version
FROM alias_versions FINAL
WHERE alias_of != ''
