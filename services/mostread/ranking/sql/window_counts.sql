-- Counts of one article in one window; see ranked_list.sql.
WITH %(buckets)s AS buckets
SELECT sum(views * weight) AS views, sum(comments * weight) AS comments, sum(likes * weight) AS likes
FROM
(
    SELECT
        views, comments, likes,
        transform(toInt64(toUnixTimestamp(window)) * 4 + toInt8(grain), buckets, %(now)s, toInt64(0)) AS weight
    FROM counters FINAL
    WHERE site = %(site)s AND (grain, window) IN %(windows)s AND article_id = %(article)s
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
