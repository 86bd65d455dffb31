-- Articles with events in the last 24 hours by site, under their present ids, and those that nobody
-- has described. An article that a CMS deleted is described.
SELECT site, count() AS read, countIf(NOT described) AS undescribed
FROM (SELECT DISTINCT site, article_id FROM canonical_counters WHERE grain = 'hour' AND window > now() - 86400 AND (views != 0 OR comments != 0 OR likes != 0)) AS counted
LEFT ANY JOIN (SELECT site, article_id, true AS described FROM article_versions FINAL) AS articles USING (site, article_id)
GROUP BY site
ORDER BY undescribed DESC, site
