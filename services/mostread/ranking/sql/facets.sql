-- Filter values: all sites, and the sections and languages of a site's articles, those with most
-- articles first. Excludes the site of the canary. A language is its primary subtag: kk for kk-KZ.
SELECT 'site' AS kind, site AS name, 0 AS articles
FROM (SELECT DISTINCT site FROM articles UNION DISTINCT SELECT DISTINCT site FROM counters WHERE grain = 'total')
WHERE name != 'mostread.canary'
ORDER BY name LIMIT 50
UNION ALL
SELECT 'section' AS kind, section AS name, count() AS articles
FROM articles FINAL
WHERE site = {site:String} AND section != '' AND NOT deleted AND NOT hidden
GROUP BY section ORDER BY articles DESC, name LIMIT 50
UNION ALL
SELECT 'language' AS kind, lower(splitByChar('-', toString(language))[1]) AS name, count() AS articles
FROM articles FINAL
WHERE site = {site:String} AND language != '' AND NOT deleted AND NOT hidden
GROUP BY name ORDER BY articles DESC, name LIMIT 50
