-- The articles of a site with their counts in list order, pinned articles first. `selected` is the
-- condition on the counter rows to read, `buckets` are these rows, each as 4 * window + grain, with
-- their weights in the window (now) and in the inputs of the score (base): see counter_rows.py, and
-- core/ranking/query_plan.py also for the formulas. The driver binds all parameters in the request
-- body: a month of hours does not fit into a URL.
-- For a site with aliases, `merged` adds their counts to those of the articles, and `searchable` has
-- their ids for a search.
-- A search numbers the articles that are not pinned before it filters them: `number` of `others`.
WITH
    %(buckets)s AS buckets,
    fromUnixTimestamp64Milli(toInt64(%(at)s)) AS ranked_at,
    counted AS
    (
        SELECT
            article_id,
            sum(row.views * now) AS views, sum(row.comments * now) AS comments, sum(row.likes * now) AS likes,
            -- Conditions on parameters are constant: ClickHouse does not compute the other branch.
            if(%(decays)s, sum(row.views * base), views * 1000000) AS base_views,
            if(%(decays)s, sum(row.comments * base), comments * 1000000) AS base_comments,
            if(%(decays)s, sum(row.likes * base), likes * 1000000) AS base_likes,
            if(%(by)s = 'trending', minIf(start, row.views > 0 AND base > 0), 0) AS first_read,
            '' AS former_ids
        FROM
        (
            SELECT
                article_id, views, comments, likes, toUnixTimestamp(window) AS start,
                toInt64(start) * 4 + toInt8(grain) AS bucket,
                transform(bucket, buckets, %(now)s, toInt64(0)) AS now,
                transform(bucket, buckets, %(base)s, toInt64(0)) AS base
            FROM counter_versions FINAL
            WHERE %(in_site)s AND %(selected)s
            -- Pinned articles are listed even without events in the window.
            UNION ALL
            SELECT article_id, 0, 0, 0, 0, 0, 0, 0
            FROM article_versions FINAL
            WHERE %(in_articles)s AND pinned IS NOT NULL
            UNION ALL
            SELECT article_id, 0, 0, 0, 0, 0, 0, 0
            FROM placement_versions FINAL
            WHERE %(in_placements)s AND pinned > 0
        ) AS row
        GROUP BY article_id
    ),
    merged AS
    (
        SELECT
            if(canonical_id = '', raw.article_id, canonical_id) AS article_id,
            sum(raw.views) AS views, sum(raw.comments) AS comments, sum(raw.likes) AS likes,
            sum(raw.base_views) AS base_views, sum(raw.base_comments) AS base_comments, sum(raw.base_likes) AS base_likes,
            minIf(raw.first_read, raw.first_read > 0) AS first_read,
            '' AS former_ids
        FROM counted AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
        GROUP BY 1
    ),
    searchable AS
    (
        SELECT article_id, views, comments, likes, base_views, base_comments, base_likes, first_read, ids AS former_ids
        FROM merged
        LEFT ANY JOIN
        (
            SELECT canonical_id AS article_id, arrayStringConcat(groupArray(aliases.article_id), '\n') AS ids
            FROM %(aliases)s AS aliases
            GROUP BY canonical_id
        ) AS former USING (article_id)
    ),
    metadata AS
    (
        -- Articles that the CMS deleted are counted but not listed.
        SELECT article_id, true AS described, section, lower(language) AS language, published_at, deleted, hidden AS cms_hidden, pinned AS cms_pinned,
            if(length(%(words)s) = 0, '', title) AS title,
            if(length(%(authors)s) = 0, [], authors) AS authors,
            if(length(%(tags)s) = 0, [], tags) AS tags
        FROM article_versions FINAL
        WHERE %(in_articles)s
    ),
    decided AS
    (
        SELECT
            article_id, embargo_until, expires_at, version AS decided_version,
            until IS NULL OR ranked_at < until AS lasts, lasts OR ifNull(hidden, false) AS pin_lasts,
            if(lasts, hidden, NULL) AS decided_hidden, if(pin_lasts, pinned, NULL) AS decided_pinned, if(pin_lasts, approved, NULL) AS decided_approved,
            -- The lists in which the pin holds.
            (empty(pinned_sections) OR hasAll(pinned_sections, %(pinned_sections)s))
                AND (empty(pinned_languages) OR hasAll(arrayMap(tag -> lower(tag), pinned_languages), %(pinned_languages)s))
                AND (empty(pinned_windows) OR has(pinned_windows, %(window)s)) AS pinned_here
        FROM placement_versions FINAL
        WHERE %(in_placements)s
    )
SELECT
    article_id, views, comments, likes,
    -- A decision overrides the CMS: `standing` in core/editorial/placements.py.
    if(%(pins)s AND (decided_pinned IS NULL OR pinned_here), nullIf(coalesce(decided_pinned, cms_pinned), 0), NULL) AS pinned,
    -- The latest decision gets a rank that several articles are pinned to.
    if(pinned IS NULL, 0, decided_version) AS pinned_version,
    coalesce(decided_hidden, cms_hidden)
        OR ifNull(ranked_at < embargo_until, false) OR ifNull(expires_at <= ranked_at, false) AS hidden,
    ifNull(decided_approved, false) AS approved,
    base_views, base_comments, base_likes,
    (base_views * %(views_weight)s + base_comments * %(comments_weight)s + base_likes * %(likes_weight)s) / 1000000 AS points,
    -- Trends: see core/ranking/trends.py. Publication or first view, whichever was earlier.
    least(if(first_read = 0, 4294967295, first_read), ifNull(intDiv(toUnixTimestamp64Milli(published_at), 1000), if(first_read = 0, %(base_end)s, 4294967295))) AS since,
    if(%(by)s = 'trending', least(24, greatest(0, (toInt64(%(base_end)s) - since) / 3600)), 0) AS hours_before,
    toFloat64(%(typical)s) AS typical, %(activity)s AS activity,
    if(%(by)s = 'trending', arrayCumSum(activity)[toUInt8(floor(hours_before)) + 1] - activity[1]
        + (hours_before - floor(hours_before)) * activity[toUInt8(floor(hours_before)) + 2], 0) AS exposure_before,
    if(%(by)s = 'trending', activity[1] * least(1, greatest(1 / 12, (toInt64(%(base_end)s) + 3600 - since) / 3600)), 0) AS exposure,
    if(%(by)s = 'trending', greatest(exposure * (typical + base_views) / (1 + exposure_before), 1, typical / 10), 1) AS expected,
    1 / (1 / 9 + 1 / greatest(typical + base_views, 1)) AS shape,
    if(%(by)s = 'trending', 2 * (if(views > 0, views * log(views / expected), 0) - (views + shape) * log((views + shape) / (expected + shape))), 0) AS deviance,
    if(%(by)s = 'trending', sign(views - expected) * sqrt(greatest(deviance, 0)), multiIf(
        %(by)s = 'views', toFloat64(views),
        %(by)s = 'comments', toFloat64(comments),
        %(by)s = 'likes', toFloat64(likes),
        points)) AS ranked,
    toBool(if(length(%(words)s) = 0, 1, arrayAll(word -> position(replaceAll(lowerUTF8(concat(title, '\n', article_id, '\n', former_ids)), 'ё', 'е'), replaceAll(lowerUTF8(word), 'ё', 'е')) > 0, %(words)s))) AS matches,
    if(length(%(words)s) = 0, 0, row_number() OVER (PARTITION BY pinned IS NULL ORDER BY ranked DESC, views DESC, published_at DESC NULLS LAST, article_id ASC)) AS number,
    if(length(%(words)s) = 0, 0, countIf(pinned IS NULL) OVER ()) AS others
FROM %(merged)s LEFT ANY JOIN metadata USING (article_id) LEFT ANY JOIN decided USING (article_id)
WHERE NOT deleted AND NOT hidden AND (described OR %(undescribed)s)
  AND ifNull(published_at <= fromUnixTimestamp64Milli(toInt64(%(latest)s)), true)
  AND (ranked > %(above)s OR pinned IS NOT NULL)
  AND (views >= %(min_views)s OR approved OR pinned IS NOT NULL)
  AND (length(%(sections)s) = 0 OR has(%(sections)s, section))
  -- RFC 4647, basic filtering: kk matches kk and kk-Cyrl.
  AND (length(%(languages)s) = 0 OR arrayExists(tag -> language = tag OR startsWith(language, concat(tag, '-')), %(languages)s))
  AND (length(%(authors)s) = 0 OR hasAny(authors, %(authors)s))
  AND (length(%(tags)s) = 0 OR hasAny(tags, %(tags)s))
  AND (%(published_since)s = 0 OR published_at >= fromUnixTimestamp64Milli(toInt64(%(published_since)s)))
-- Pinned articles move the others, whether they match or not.
QUALIFY matches OR pinned IS NOT NULL
ORDER BY pinned ASC NULLS LAST, pinned_version DESC, ranked DESC, views DESC, published_at DESC NULLS LAST, article_id ASC
LIMIT %(rows)s BY pinned IS NOT NULL
LIMIT %(skip)s, 1000000
-- The sorting key contains the partition key, so all versions of a row are in one partition.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
