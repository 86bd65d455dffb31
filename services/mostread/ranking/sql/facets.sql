-- Filter values: the sites, and the sections, languages, authors and tags of a site's articles, those
-- with most articles first. Excludes the site of the canary, former names of sites, and articles that are
-- in no list. Anybody can choose the name of a site that has no described article: such sites come
-- last, and only if `undescribed` is 1. A language is its primary subtag: kk for kk-KZ.
WITH described AS
(
    SELECT section, splitByChar('-', lower(language))[1] AS tongue, authors, tags
    FROM article_versions FINAL
    LEFT ANY JOIN
    (
        SELECT
            article_id, if(until IS NULL OR now64(3) < until, hidden, NULL) AS decided_hidden,
            ifNull(now64(3) < embargo_until, false) OR ifNull(expires_at <= now64(3), false) AS outside
        FROM placement_versions FINAL
        WHERE %(in_placements)s
    ) AS decided USING (article_id)
    WHERE %(in_articles)s AND %(canonical)s AND NOT deleted AND NOT outside AND NOT coalesce(decided_hidden, hidden)
      AND ifNull(published_at <= now64(3), true)
)
SELECT 'site' AS kind, site AS name, 0 AS articles
FROM
(
    SELECT site, count() AS known, 0 AS read FROM article_versions GROUP BY site
    UNION ALL
    SELECT site, 0 AS known, sum(views) AS read FROM counter_versions WHERE grain = 'total' AND %(undescribed)s GROUP BY site HAVING read > 0
)
WHERE site != 'mostread.canary'
  AND site NOT IN (SELECT site FROM canonical_id_versions FINAL WHERE article_id = '' AND canonical_id != '')
GROUP BY site
ORDER BY sum(known) DESC, sum(read) DESC, site LIMIT 100
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
SETTINGS join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
