-- The articles of a site with their counts in one window, in the order of the list, the pinned
-- ones before all others. The window is whole grains, with minutes added or taken away (sign)
-- at its two edges; see engagement/spans.py.
WITH
    counted AS
    (
        SELECT article_id, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
        FROM
        (
            SELECT article_id, views, comments, likes
            FROM counters FINAL
            WHERE site = {site:String} AND grain = {whole_grain:String}
              AND window >= toDateTime({whole_start:UInt32}, 'UTC') AND window < toDateTime({whole_end:UInt32}, 'UTC')
            UNION ALL
            SELECT article_id, views * {head_sign:Int8}, comments * {head_sign:Int8}, likes * {head_sign:Int8}
            FROM counters FINAL
            WHERE site = {site:String} AND grain = 'minute'
              AND window >= toDateTime({head_start:UInt32}, 'UTC') AND window < toDateTime({head_end:UInt32}, 'UTC')
            UNION ALL
            SELECT article_id, views * {tail_sign:Int8}, comments * {tail_sign:Int8}, likes * {tail_sign:Int8}
            FROM counters FINAL
            WHERE site = {site:String} AND grain = 'minute'
              AND window >= toDateTime({tail_start:UInt32}, 'UTC') AND window < toDateTime({tail_end:UInt32}, 'UTC')
            -- A pinned article is listed whether or not anybody read it in the window.
            UNION ALL
            SELECT article_id, 0, 0, 0
            FROM articles FINAL
            WHERE site = {site:String} AND pinned IS NOT NULL AND NOT hidden AND NOT deleted
        )
        GROUP BY article_id
    ),
    described AS
    (
        -- What the CMS has taken down is not listed, though its readers are still counted.
        SELECT article_id, section, lower(language) AS language, published_at, hidden OR deleted AS hidden, pinned
        FROM articles FINAL
        WHERE site = {site:String}
    )
SELECT
    article_id, views, comments, likes, pinned,
    views * {views_weight:Float64} + comments * {comments_weight:Float64} + likes * {likes_weight:Float64} AS score,
    multiIf(
        {by:String} = 'views', toFloat64(views),
        {by:String} = 'comments', toFloat64(comments),
        {by:String} = 'likes', toFloat64(likes),
        score) AS ranked
FROM counted LEFT ANY JOIN described USING (article_id)
WHERE NOT hidden
  AND (ranked > 0 OR pinned IS NOT NULL)
  AND ({section:String} = '' OR section = {section:String})
  -- RFC 4647, basic filtering: kk finds kk and kk-Cyrl.
  AND ({language:String} = '' OR language = {language:String} OR startsWith(language, concat({language:String}, '-')))
  AND ({published_since:Int64} = 0 OR published_at >= fromUnixTimestamp64Milli({published_since:Int64}))
ORDER BY pinned ASC NULLS LAST, ranked DESC, views DESC, published_at DESC NULLS LAST, article_id ASC
LIMIT {rows:UInt32} BY pinned IS NOT NULL
-- Every column of the partition key is in the sorting key, so no row has a newer one elsewhere.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
