-- Ranks of a site's articles by views at the end of each of the last hours: the articles among the
-- first `ranks` at any of them, with one rank per hour, 0 below the first `ranks`, and the number of
-- articles ranked then. An article's views at the end of an hour are those of the `length` hours
-- before it: the difference of two running sums. As in ranked_list.sql, articles that are withheld
-- now are not ranked, and those that the CMS has not described only if `undescribed` is 1; pins do
-- not count.
WITH fromUnixTimestamp64Milli({at:Int64}) AS decided_at
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
            SELECT
                article_id, published,
                arrayCumSum(groupArrayInsertAt(0, {hours:UInt32} + {length:UInt32} - 1)(hourly, hour)) AS until,
                arrayJoin(range({hours:UInt32})) AS end,
                until[end + {length:UInt32}] - until[end] AS views
            FROM
            (
                SELECT article_id, toUInt32(intDiv(toUnixTimestamp(window) - {start:UInt32}, 3600)) AS hour, sum(views) AS hourly
                FROM counter_versions FINAL
                WHERE site = {site:String} AND grain = 'hour'
                  AND window >= toDateTime({start:UInt32}, 'UTC')
                  AND window < toDateTime({start:UInt32}, 'UTC') + INTERVAL {hours:UInt32} + {length:UInt32} - 1 HOUR
                GROUP BY article_id, hour
            ) AS counted
            LEFT ANY JOIN
            (
                SELECT
                    article_id, true AS described, deleted, hidden AS cms_hidden,
                    ifNull(toUnixTimestamp64Milli(published_at), -9000000000000000000) AS published
                FROM article_versions FINAL
                WHERE site = {site:String}
            ) AS metadata USING (article_id)
            LEFT ANY JOIN
            (
                SELECT
                    article_id, if(until IS NULL OR decided_at < until, hidden, NULL) AS decided_hidden,
                    ifNull(decided_at < embargo_until, false) OR ifNull(expires_at <= decided_at, false) AS outside
                FROM placement_versions FINAL
                WHERE site = {site:String}
            ) AS decided USING (article_id)
            WHERE (described OR {undescribed:UInt8}) AND NOT deleted AND published <= {latest:Int64}
              AND NOT outside AND NOT coalesce(decided_hidden, cms_hidden)
            GROUP BY article_id, published
        )
        WHERE views > 0
        GROUP BY end
    )
)
GROUP BY article_id
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
