-- Counts of one article by minute or hour; steps without events are absent.
SELECT toUnixTimestamp(window) AS start, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM counters FINAL
WHERE site = {site:String} AND grain = {grain:String} AND article_id = {article:String}
  AND window >= toDateTime({start:UInt32}, 'UTC') AND window < toDateTime({end:UInt32}, 'UTC')
GROUP BY window
ORDER BY window
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
