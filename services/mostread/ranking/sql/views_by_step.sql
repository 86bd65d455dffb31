-- Views of the articles of one page in steps of `seconds`, whole hours each, numbered from `start`;
-- steps without views are absent. The driver binds the ids in the request body.
SELECT %(present_id)s AS present_id, toUInt32(intDiv(toUnixTimestamp(window) - %(start)s, %(seconds)s)) AS step, sum(views) AS views
FROM counter_versions AS found FINAL
WHERE %(in_site)s AND grain = 'hour' AND article_id IN %(articles)s
  AND window >= toDateTime(%(start)s, 'UTC') AND window < toDateTime(%(end)s, 'UTC')
GROUP BY present_id, step
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
