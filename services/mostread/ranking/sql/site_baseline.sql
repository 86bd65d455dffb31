-- Mean hourly views of a site's articles, weighted by their views.
WITH %(buckets)s AS buckets
SELECT ifNotFinite(sum(views * views) / sum(views) / %(hours)s, 0) AS baseline
FROM
(
    SELECT sum(views * transform(toInt64(toUnixTimestamp(window)) * 4 + toInt8(grain), buckets, %(base)s, toInt64(0))) AS views
    FROM counters FINAL
    WHERE site = %(site)s AND (grain, window) IN %(windows)s
    GROUP BY article_id
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
