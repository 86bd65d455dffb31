-- How many articles with views in a window the CMS has never described; see ranked_list.sql.
WITH %(buckets)s AS buckets
SELECT count() AS articles
FROM
(
    SELECT article_id
    FROM counter_versions FINAL
    WHERE site = %(site)s AND %(selected)s
      AND article_id NOT IN (SELECT article_id FROM article_versions WHERE site = %(site)s)
    GROUP BY article_id
    HAVING sum(views * transform(toInt64(toUnixTimestamp(window)) * 4 + toInt8(grain), buckets, %(now)s, toInt64(0))) > 0
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
