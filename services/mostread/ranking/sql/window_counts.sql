-- Counts of articles in one window; articles never counted are absent. See ranked_list.sql.
WITH %(buckets)s AS buckets
SELECT present_id, sum(views * weight) AS views, sum(comments * weight) AS comments, sum(likes * weight) AS likes
FROM
(
    SELECT
        %(present_id)s AS present_id, views, comments, likes,
        transform(toInt64(toUnixTimestamp(window)) * 4 + toInt8(grain), buckets, %(now)s, toInt64(0)) AS weight
    FROM counter_versions AS found FINAL
    WHERE %(in_site)s AND %(selected)s AND article_id IN %(articles)s
)
GROUP BY present_id
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
