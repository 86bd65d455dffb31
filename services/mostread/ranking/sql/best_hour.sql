-- The views of a site's typical article in its best hour: the median of the hundred articles whose
-- best hours have the most views.
WITH
    counted AS
    (
        SELECT article_id, window, sum(views) AS hourly
        FROM counter_versions FINAL
        WHERE %(in_site)s AND grain = 'hour'
          AND window >= toDateTime(%(start)s, 'UTC') AND window < toDateTime(%(end)s, 'UTC')
        GROUP BY article_id, window
        HAVING hourly > 0
    ),
    merged AS
    (
        SELECT if(canonical_id = '', raw.article_id, canonical_id) AS article_id, window, sum(raw.hourly) AS hourly
        FROM counted AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
        GROUP BY 1, window
    )
SELECT quantileExact(0.5)(best) AS views
FROM
(
    SELECT max(hourly) AS best
    FROM %(merged)s
    GROUP BY article_id
    ORDER BY best DESC
    LIMIT 100
)
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
