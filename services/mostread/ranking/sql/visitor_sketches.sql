-- Visitor statistics of articles over whole hours; core/counting/visitor_sketch.py describes the
-- sketches. The 64 lowest hashes of all hours are among the 64 lowest of each hour, and the number
-- of visitors is estimated as 63 / (fraction of the hash space below the 64th).
WITH sketched AS
(
    SELECT
        %(present_id)s AS present_id,
        sum(found.views) AS views,
        arraySlice(arrayReverseSort(sumMap(heaviest, heaviest_views).2), 1, 10) AS busy,
        arraySlice(arraySort(groupUniqArrayArray(lowest)), 1, 64) AS low
    FROM visitor_sketches AS found FINAL
    WHERE %(in_site)s AND article_id IN %(articles)s
        AND hour >= fromUnixTimestamp(toInt64(%(start)s)) AND hour < fromUnixTimestamp(toInt64(%(end)s))
    GROUP BY present_id
)
SELECT
    present_id, views, arraySum(busy) AS busiest,
    if(length(low) < 64, length(low), toUInt64(63 / (low[64] / pow(2, 64)))) AS visitors
FROM sketched
SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_json_quote_64bit_integers = 0
