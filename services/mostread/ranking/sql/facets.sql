-- Filter values: all sites, and the sections, languages, authors and tags of a site's articles, those
-- with most articles first. Excludes the site of the canary, and articles that are in no list. A
-- language is its primary subtag: kk for kk-KZ.
WITH described AS
(
    SELECT section, splitByChar('-', lower(language))[1] AS tongue, authors, tags
    FROM articles FINAL
    WHERE site = {site:String} AND NOT deleted AND NOT hidden AND ifNull(published_at <= now64(3), true)
      AND article_id NOT IN
      (
          SELECT article_id
          FROM placements FINAL
          WHERE site = {site:String}
            AND (now64(3) < embargo_until OR expires_at <= now64(3) OR hidden AND (until IS NULL OR now64(3) < until))
      )
)
SELECT 'site' AS kind, site AS name, 0 AS articles
FROM (SELECT DISTINCT site FROM articles UNION DISTINCT SELECT DISTINCT site FROM counters WHERE grain = 'total')
WHERE name != 'mostread.canary'
ORDER BY name LIMIT 100
UNION ALL
SELECT kind, name, articles
FROM
(
    SELECT value.1 AS kind, value.2 AS name, count() AS articles
    FROM described
    ARRAY JOIN arrayConcat(
        [('section', section), ('language', tongue)],
        arrayMap(author -> ('author', author), authors),
        arrayMap(tag -> ('tag', toString(tag)), tags)) AS value
    WHERE name != ''
    GROUP BY kind, name
    ORDER BY articles DESC, name
    LIMIT 100 BY kind
)
SETTINGS output_format_json_quote_64bit_integers = 0
