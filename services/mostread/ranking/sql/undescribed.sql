-- How many articles with views in a window the CMS has never described; see ranked_list.sql.
WITH
    %(buckets)s AS buckets,
    weighted AS
    (
        SELECT article_id, views * transform(toInt64(toUnixTimestamp(window)) * 4 + toInt8(grain), buckets, %(now)s, toInt64(0)) AS views
        FROM counter_versions FINAL
        WHERE %(in_site)s AND %(selected)s
    ),
    described AS (SELECT article_id FROM article_versions WHERE %(in_site)s),
    counted AS
    (
        SELECT article_id, sum(views) AS seen FROM weighted
        WHERE article_id NOT IN (SELECT article_id FROM described)
        GROUP BY article_id
    ),
    merged AS
    (
        SELECT if(canonical_id = '', raw.article_id, canonical_id) AS article_id, sum(raw.views) AS seen
        FROM (SELECT article_id, sum(views) AS views FROM weighted GROUP BY article_id) AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
        GROUP BY 1
        HAVING article_id NOT IN (SELECT article_id FROM described)
    )
SELECT count() AS articles
FROM %(merged)s
WHERE seen > 0
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
