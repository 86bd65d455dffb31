-- The typical article of a section, by age: medians over the articles that were published between
-- `since` and `until`, the start of this hour, and read; those that are withheld then do not
-- contribute. An age is a number of steps since the hour of publication; views are those of a step,
-- so_far those of all steps up to it. An article contributes to the steps that are over.
WITH recent AS
(
    SELECT
        article_id, toUnixTimestamp(toStartOfHour(assumeNotNull(published_at))) AS born,
        toUInt32(least({steps:UInt32}, intDiv({until:UInt32} - born, {step:UInt32}))) AS complete
    FROM article_versions FINAL
    LEFT ANY JOIN
    (
        SELECT
            article_id, if(until IS NULL OR fromUnixTimestamp({until:UInt32}) < until, hidden, NULL) AS decided_hidden,
            ifNull(fromUnixTimestamp({until:UInt32}) < embargo_until, false) OR ifNull(expires_at <= fromUnixTimestamp({until:UInt32}), false) AS outside
        FROM placement_versions FINAL
        WHERE site = {site:String}
    ) AS decided USING (article_id)
    WHERE site = {site:String} AND section = {section:String} AND NOT deleted AND NOT outside AND NOT coalesce(decided_hidden, hidden)
      AND published_at >= fromUnixTimestamp({since:UInt32}) AND published_at < fromUnixTimestamp({until:UInt32})
)
SELECT age, count() AS articles, quantileExactInclusive(0.5)(views) AS views, quantileExactInclusive(0.5)(so_far) AS so_far
FROM
(
    SELECT arrayJoin(arrayZip(range(complete), by_step, arrayCumSum(by_step))) AS one, one.1 AS age, one.2 AS views, one.3 AS so_far
    FROM
    (
        SELECT article_id, complete, arraySlice(groupArrayInsertAt(0, {steps:UInt32})(views, step), 1, complete) AS by_step
        FROM
        (
            SELECT article_id, complete, toUInt32(intDiv(toUnixTimestamp(window) - born, {step:UInt32})) AS step, sum(newest) AS views
            FROM
            (
                -- The newest version of a row, as FINAL would return it.
                SELECT article_id, window, argMax(views, version) AS newest
                FROM counter_versions
                WHERE site = {site:String} AND grain = 'hour' AND article_id IN (SELECT article_id FROM recent)
                  AND window >= toStartOfHour(fromUnixTimestamp({since:UInt32})) AND window < fromUnixTimestamp({until:UInt32})
                GROUP BY article_id, window, topic_id, partition
            ) AS counted
            INNER JOIN recent USING (article_id)
            WHERE toUnixTimestamp(window) >= born AND step < complete AND newest != 0
            GROUP BY article_id, complete, step
        )
        GROUP BY article_id, complete
    )
)
GROUP BY age
ORDER BY age
SETTINGS join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
