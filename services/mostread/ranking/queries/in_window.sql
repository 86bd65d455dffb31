-- The counts of one article in one window; see ranked.sql for the three parts.
SELECT sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM
(
    SELECT views, comments, likes
    FROM counters FINAL
    WHERE site = {site:String} AND grain = {whole_grain:String} AND article_id = {article:String}
      AND window >= toDateTime({whole_start:UInt32}, 'UTC') AND window < toDateTime({whole_end:UInt32}, 'UTC')
    UNION ALL
    SELECT views * {head_sign:Int8}, comments * {head_sign:Int8}, likes * {head_sign:Int8}
    FROM counters FINAL
    WHERE site = {site:String} AND grain = 'minute' AND article_id = {article:String}
      AND window >= toDateTime({head_start:UInt32}, 'UTC') AND window < toDateTime({head_end:UInt32}, 'UTC')
    UNION ALL
    SELECT views * {tail_sign:Int8}, comments * {tail_sign:Int8}, likes * {tail_sign:Int8}
    FROM counters FINAL
    WHERE site = {site:String} AND grain = 'minute' AND article_id = {article:String}
      AND window >= toDateTime({tail_start:UInt32}, 'UTC') AND window < toDateTime({tail_end:UInt32}, 'UTC')
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
