-- The articles of a site with their counts, in the order of the list, the pinned ones before all
-- others. `buckets` are the rows that count, each as 4 * window + grain; beside them stands how
-- often each counts in the window (now) and in what a score is made of (base): see
-- engagement/plan.py, and engagement/score.py for the formulas. Everything is bound by the driver,
-- in the body: a month of hours does not fit into an address.
-- Where something is searched for, `others` are numbered before what is not found goes: `number`
-- of `others` is where an article stands among those that are not pinned.
WITH
    %(buckets)s AS buckets,
    fromUnixTimestamp64Milli(toInt64(%(moment)s)) AS moment,
    counted AS
    (
        SELECT
            article_id,
            sum(row.views * now) AS views, sum(row.comments * now) AS comments, sum(row.likes * now) AS likes,
            sum(row.views * base) AS base_views, sum(row.comments * base) AS base_comments, sum(row.likes * base) AS base_likes,
            minIf(start, row.views > 0 AND base > 0) AS first_read
        FROM
        (
            SELECT
                article_id, views, comments, likes, toUnixTimestamp(window) AS start,
                toInt64(start) * 4 + toInt8(grain) AS bucket,
                transform(bucket, buckets, %(now)s, toInt64(0)) AS now,
                transform(bucket, buckets, %(base)s, toInt64(0)) AS base
            FROM counters FINAL
            WHERE site = %(site)s AND (grain, window) IN %(windows)s
            -- A pinned article is listed whether or not anybody read it in the window.
            UNION ALL
            SELECT article_id, 0, 0, 0, 0, 0, 0, 0
            FROM articles FINAL
            WHERE site = %(site)s AND pinned IS NOT NULL
            UNION ALL
            SELECT article_id, 0, 0, 0, 0, 0, 0, 0
            FROM placements FINAL
            WHERE site = %(site)s AND pinned > 0
        ) AS row
        GROUP BY article_id
    ),
    told AS
    (
        -- What the CMS has taken down is not listed, though its readers are still counted.
        SELECT article_id, section, lower(language) AS language, published_at, deleted, hidden AS told_hidden, pinned AS told_pinned,
            if(length(%(words)s) = 0, '', title) AS title
        FROM articles FINAL
        WHERE site = %(site)s
    ),
    decided AS
    (
        SELECT article_id, hidden AS decided_hidden, pinned AS decided_pinned, embargo_until, expires_at, approved AS decided_approved
        FROM placements FINAL
        WHERE site = %(site)s AND (until IS NULL OR moment < until)
    )
SELECT
    article_id, views, comments, likes,
    -- An editor's word goes before the CMS's: `standing` in engagement/placement.py.
    nullIf(coalesce(decided_pinned, told_pinned), 0) AS pinned,
    coalesce(decided_hidden, told_hidden)
        OR ifNull(moment < embargo_until, false) OR ifNull(expires_at <= moment, false) AS hidden,
    ifNull(decided_approved, false) AS approved,
    base_views, base_comments, base_likes,
    (base_views * %(views_weight)s + base_comments * %(comments_weight)s + base_likes * %(likes_weight)s) / 1000000 AS points,
    -- Since when it is there: since it was published, or read, whichever was first.
    least(if(first_read = 0, %(base_end)s, first_read), ifNull(toUnixTimestamp(published_at), %(base_end)s)) AS since,
    least(24, (%(base_end)s - since) / 3600) AS hours,
    (base_views + %(typical)s * greatest(0, 1 - hours)) / greatest(hours, 1) AS expected,
    multiIf(
        %(by)s = 'views', toFloat64(views),
        %(by)s = 'comments', toFloat64(comments),
        %(by)s = 'likes', toFloat64(likes),
        %(by)s = 'score', points,
        log2((views + 0.5) / (expected + 0.5)) - 3.3 * pow(views + 0.5, -0.5) - 2 * pow(views + 0.5, -1.5)) AS ranked,
    toBool(if(length(%(words)s) = 0, 1, arrayAll(word -> position(replaceAll(lowerUTF8(concat(title, '\n', article_id)), 'ё', 'е'), replaceAll(lowerUTF8(word), 'ё', 'е')) > 0, %(words)s))) AS found,
    if(length(%(words)s) = 0, 0, row_number() OVER (PARTITION BY pinned IS NULL ORDER BY ranked DESC, views DESC, published_at DESC NULLS LAST, article_id ASC)) AS number,
    if(length(%(words)s) = 0, 0, countIf(pinned IS NULL) OVER ()) AS others
FROM counted LEFT ANY JOIN told USING (article_id) LEFT ANY JOIN decided USING (article_id)
WHERE NOT deleted AND NOT hidden
  AND (ranked > 0 OR pinned IS NOT NULL)
  AND (views >= %(least_views)s OR approved OR pinned IS NOT NULL)
  AND (%(section)s = '' OR section = %(section)s)
  -- RFC 4647, basic filtering: kk finds kk and kk-Cyrl.
  AND (%(language)s = '' OR language = %(language)s OR startsWith(language, concat(%(language)s, '-')))
  AND (%(published_since)s = 0 OR published_at >= fromUnixTimestamp64Milli(toInt64(%(published_since)s)))
-- Who is pinned moves the others, found or not.
QUALIFY found OR pinned IS NOT NULL
ORDER BY pinned ASC NULLS LAST, ranked DESC, views DESC, published_at DESC NULLS LAST, article_id ASC
LIMIT %(rows)s BY pinned IS NOT NULL
LIMIT %(skip)s, 1000000
-- Every column of the partition key is in the sorting key, so no row has a newer one elsewhere.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
