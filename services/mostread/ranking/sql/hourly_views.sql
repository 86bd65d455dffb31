-- Hourly views of the articles of one page; hours without views are absent. The driver binds the
-- ids in the request body.
SELECT article_id, toUnixTimestamp(window) AS start, sum(views) AS views
FROM counter_versions FINAL
WHERE site = %(site)s AND grain = 'hour' AND article_id IN %(articles)s
  AND window >= toDateTime(%(start)s, 'UTC') AND window < toDateTime(%(end)s, 'UTC')
GROUP BY article_id, window
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
