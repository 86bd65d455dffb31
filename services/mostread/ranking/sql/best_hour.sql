-- The views of a site's typical article in its best hour: the median of the hundred articles whose
-- best hours have the most views.
SELECT quantileExact(0.5)(best) AS views
FROM
(
    SELECT max(hourly) AS best
    FROM
    (
        SELECT article_id, window, sum(views) AS hourly
        FROM counter_versions FINAL
        WHERE site = {site:String} AND grain = 'hour'
          AND window >= toDateTime({start:UInt32}, 'UTC') AND window < toDateTime({end:UInt32}, 'UTC')
        GROUP BY article_id, window
        HAVING hourly > 0
    )
    GROUP BY article_id
    ORDER BY best DESC
    LIMIT 100
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
