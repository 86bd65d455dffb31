-- What lists can be limited to: sites, and the sections and languages that a site's articles
-- have, those of most articles first. The canary's site is nobody's. A language is its first part: kk stands for kk-KZ too.
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
