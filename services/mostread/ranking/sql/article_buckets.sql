-- Counts of one article by counter row; rows without events are absent. The driver binds the rows
-- in the request body: those of a year do not fit into a URL.
SELECT grain, toUnixTimestamp(window) AS start, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM counters FINAL
WHERE site = %(site)s AND article_id = %(article)s AND (grain, window) IN %(windows)s
GROUP BY grain, window
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
