-- Ranks of a site's articles by views at the end of each of the last hours: the articles among the
-- first `ranks` at any of them, with one rank per hour, 0 below the first `ranks`, and the number of
-- articles ranked then. An article's views at the end of an hour are those of the `length` hours
-- before it: the difference of two running sums. Articles that the CMS has not described are ranked
-- only if `undescribed` is 1. Pins do not count; withheld articles are ranked: see withheld_hours.sql.
SELECT
    article_id,
    groupArrayInsertAt(0, {hours:UInt32})(toUInt16(rank), end) AS ranks,
    groupArrayInsertAt(0, {hours:UInt32})(toUInt32(ranked), end) AS lengths
FROM
(
    SELECT end, ranked, arrayJoin(arrayEnumerate(first)) AS rank, first[rank].3 AS article_id
    FROM
    (
        SELECT end, count() AS ranked, groupArraySorted({ranks:UInt32})((-views, -published, article_id)) AS first
        FROM
        (
            SELECT article_id, published, at.1 AS end, at.2 AS views
            FROM
            (
                SELECT
                    article_id, published,
                    arrayJoin(arrayFilter(at -> at.2 > 0, arrayMap(end -> (end, until[end + {length:UInt32}] - until[end]), range({hours:UInt32})))) AS at
                FROM
                (
                    SELECT article_id, arrayCumSum(groupArrayInsertAt(0, {hours:UInt32} + {length:UInt32} - 1)(hourly, hour)) AS until
                    FROM
                    (
                        SELECT article_id, toUInt32(intDiv(toUnixTimestamp(window) - {start:UInt32}, 3600)) AS hour, sum(views) AS hourly
                        FROM counter_versions FINAL
                        WHERE site = {site:String} AND grain = 'hour'
                          AND window >= toDateTime({start:UInt32}, 'UTC')
                          AND window < toDateTime({start:UInt32}, 'UTC') + INTERVAL {hours:UInt32} + {length:UInt32} - 1 HOUR
                        GROUP BY article_id, hour
                    )
                    GROUP BY article_id
                ) AS counted
                LEFT ANY JOIN
                (
                    SELECT article_id, true AS described, ifNull(toUnixTimestamp64Milli(published_at), -9000000000000000000) AS published
                    FROM article_versions FINAL
                    WHERE site = {site:String}
                ) AS metadata USING (article_id)
                WHERE described OR {undescribed:UInt8}
            )
        )
        GROUP BY end
    )
)
GROUP BY article_id
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
