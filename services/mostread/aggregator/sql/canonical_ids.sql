-- The canonical ids as stored. The last row marks the end of a complete response.
SELECT site, article_id, canonical_id
FROM canonical_id_versions FINAL
WHERE canonical_id != ''
UNION ALL
SELECT '', '', ''
