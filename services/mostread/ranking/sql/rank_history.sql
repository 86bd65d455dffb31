-- Ranks of a site's articles by views at the end of each of the last hours: the articles among the
-- first `ranks` at any of them, with one rank per hour, 0 below the first `ranks`, and the number of
-- articles ranked then. An article's views at the end of an hour are those of the `length` hours
-- before it: the difference of two running sums. Articles that the CMS has not described are ranked
-- only if `undescribed` is 1. Pins do not count; withheld articles are ranked: see withheld_hours.sql.
WITH
    counted AS
    (
        SELECT article_id, toUInt32(intDiv(toUnixTimestamp(window) - %(start)s, 3600)) AS hour, sum(views) AS hourly
        FROM counter_versions FINAL
        WHERE %(in_site)s AND grain = 'hour'
          AND window >= toDateTime(%(start)s, 'UTC')
          AND window < toDateTime(%(start)s, 'UTC') + INTERVAL %(hours)s + %(length)s - 1 HOUR
        GROUP BY article_id, hour
    ),
    merged AS
    (
        SELECT if(canonical_id = '', raw.article_id, canonical_id) AS article_id, hour, sum(raw.hourly) AS hourly
        FROM counted AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
        GROUP BY 1, hour
    )
SELECT
    article_id,
    groupArrayInsertAt(0, %(hours)s)(toUInt16(rank), end) AS ranks,
    groupArrayInsertAt(0, %(hours)s)(toUInt32(ranked), end) AS lengths
FROM
(
    SELECT end, ranked, arrayJoin(arrayEnumerate(first)) AS rank, first[rank].3 AS article_id
    FROM
    (
        SELECT end, count() AS ranked, groupArraySorted(%(ranks)s)((-views, -published, article_id)) AS first
        FROM
        (
            SELECT article_id, published, at.1 AS end, at.2 AS views
            FROM
            (
                SELECT
                    article_id, published,
                    arrayJoin(arrayFilter(at -> at.2 > 0, arrayMap(end -> (end, until[end + %(length)s] - until[end]), range(%(hours)s)))) AS at
                FROM
                (
                    SELECT article_id, arrayCumSum(groupArrayInsertAt(0, %(hours)s + %(length)s - 1)(hourly, hour)) AS until
                    FROM %(merged)s
                    GROUP BY article_id
                ) AS summed
                LEFT ANY JOIN
                (
                    SELECT article_id, true AS described, ifNull(toUnixTimestamp64Milli(published_at), -9000000000000000000) AS published
                    FROM article_versions FINAL
                    WHERE %(in_articles)s
                ) AS metadata USING (article_id)
                WHERE described OR %(undescribed)s
            )
        )
        GROUP BY end
    )
)
GROUP BY article_id
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
