-- Counts of a site by counter row, over the articles that have one of the values of each filter; an
-- empty filter admits all. Without filters every counted article contributes, described or not. With
-- filters, those that are withheld do not, as in ranked_list.sql.
WITH
    fromUnixTimestamp64Milli(toInt64(%(at)s)) AS asked_at,
    own AS
    (
        SELECT article_id
        FROM article_versions FINAL
        LEFT ANY JOIN
        (
            SELECT
                article_id, if(until IS NULL OR asked_at < until, hidden, NULL) AS decided_hidden,
                ifNull(asked_at < embargo_until, false) OR ifNull(expires_at <= asked_at, false) AS outside
            FROM placement_versions FINAL
            WHERE %(in_placements)s
        ) AS decided USING (article_id)
        WHERE %(in_articles)s AND %(canonical)s AND NOT deleted AND NOT outside AND NOT coalesce(decided_hidden, hidden)
          AND ifNull(published_at <= fromUnixTimestamp64Milli(toInt64(%(latest)s)), true)
          AND (length(%(sections)s) = 0 OR has(%(sections)s, section))
          -- RFC 4647, basic filtering: kk matches kk and kk-Cyrl.
          AND (length(%(languages)s) = 0 OR arrayExists(tag -> lower(language) = tag OR startsWith(lower(language), concat(tag, '-')), %(languages)s))
          AND (length(%(authors)s) = 0 OR hasAny(authors, %(authors)s))
          AND (length(%(tags)s) = 0 OR hasAny(tags, %(tags)s))
          AND (%(published_since)s = 0 OR published_at >= fromUnixTimestamp64Milli(toInt64(%(published_since)s)))
    ),
    with_aliases AS
    (
        SELECT article_id FROM own
        UNION ALL
        SELECT article_id FROM %(aliases)s WHERE canonical_id IN (SELECT article_id FROM own)
    )
SELECT grain, toUnixTimestamp(window) AS start, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM counter_versions FINAL
WHERE %(in_site)s AND %(selected)s
  AND (%(everything)s OR article_id IN (SELECT article_id FROM %(ids)s))
GROUP BY grain, window
-- The sorting key contains the partition key, so all versions of a row are in one partition.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
