-- The typical article of a section, by age: medians over the articles that were published between
-- `since` and `until`, the start of this hour, and read; those that are withheld then do not
-- contribute. An age is a number of steps since the hour of publication; views are those of a step,
-- so_far those of all steps up to it. An article contributes to the steps that are over.
WITH
    recent AS
    (
        SELECT
            article_id, toUnixTimestamp(toStartOfHour(assumeNotNull(published_at))) AS born,
            toUInt32(least(%(steps)s, intDiv(%(until)s - born, %(step)s))) AS complete
        FROM article_versions FINAL
        LEFT ANY JOIN
        (
            SELECT
                article_id, if(until IS NULL OR fromUnixTimestamp(%(until)s) < until, hidden, NULL) AS decided_hidden,
                ifNull(fromUnixTimestamp(%(until)s) < embargo_until, false) OR ifNull(expires_at <= fromUnixTimestamp(%(until)s), false) AS outside
            FROM placement_versions FINAL
            WHERE %(in_placements)s
        ) AS decided USING (article_id)
        WHERE %(in_articles)s AND %(canonical)s AND section = %(section)s AND NOT deleted AND NOT outside AND NOT coalesce(decided_hidden, hidden)
          AND published_at >= fromUnixTimestamp(%(since)s) AND published_at < fromUnixTimestamp(%(until)s)
    ),
    own AS (SELECT article_id FROM recent),
    with_aliases AS
    (
        SELECT article_id FROM own
        UNION ALL
        SELECT article_id FROM %(aliases)s WHERE canonical_id IN (SELECT article_id FROM own)
    ),
    counted AS
    (
        -- The newest version of a row, as FINAL would return it.
        SELECT article_id, window, argMax(views, version) AS newest
        FROM counter_versions
        WHERE %(in_site)s AND grain = 'hour' AND article_id IN (SELECT article_id FROM %(ids)s)
          AND window >= toStartOfHour(fromUnixTimestamp(%(since)s)) AND window < fromUnixTimestamp(%(until)s)
        GROUP BY site, article_id, window, topic_id, partition
    ),
    merged AS
    (
        SELECT if(canonical_id = '', raw.article_id, canonical_id) AS article_id, window, newest
        FROM counted AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
    )
SELECT age, count() AS articles, quantileExactInclusive(0.5)(views) AS views, quantileExactInclusive(0.5)(so_far) AS so_far
FROM
(
    SELECT arrayJoin(arrayZip(range(complete), by_step, arrayCumSum(by_step))) AS one, one.1 AS age, one.2 AS views, one.3 AS so_far
    FROM
    (
        SELECT article_id, complete, arraySlice(groupArrayInsertAt(0, %(steps)s)(views, step), 1, complete) AS by_step
        FROM
        (
            SELECT article_id, complete, toUInt32(intDiv(toUnixTimestamp(window) - born, %(step)s)) AS step, sum(newest) AS views
            FROM %(merged)s
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
