-- Views by hour, from `start` on, of the articles that rank_history.sql ranks and that are withheld:
-- `standing` in core/editorial/placements.py. Few are, so that nothing is joined with all articles.
WITH
    fromUnixTimestamp64Milli(toInt64(%(at)s)) AS asked_at,
    decided AS
    (
        SELECT
            article_id, if(until IS NULL OR asked_at < until, hidden, NULL) AS decided_hidden,
            ifNull(decided_hidden, false) OR ifNull(asked_at < embargo_until, false) OR ifNull(expires_at <= asked_at, false) AS withheld
        FROM placement_versions FINAL
        WHERE %(in_placements)s AND %(canonical)s
    ),
    own AS
    (
        SELECT article_id
        FROM article_versions FINAL
        WHERE %(in_articles)s AND %(canonical)s
          AND (deleted OR ifNull(published_at > fromUnixTimestamp64Milli(toInt64(%(latest)s)), false)
            OR hidden AND article_id NOT IN (SELECT article_id FROM decided WHERE NOT decided_hidden)
            OR article_id IN (SELECT article_id FROM decided WHERE withheld))
        UNION DISTINCT
        SELECT article_id FROM decided WHERE withheld AND %(undescribed)s
    ),
    with_aliases AS
    (
        SELECT article_id FROM own
        UNION ALL
        SELECT article_id FROM %(aliases)s WHERE canonical_id IN (SELECT article_id FROM own)
    ),
    counted AS
    (
        SELECT article_id, toUInt32(intDiv(toUnixTimestamp(window) - %(start)s, 3600)) AS hour, sum(views) AS hourly
        FROM counter_versions FINAL
        WHERE %(in_site)s AND grain = 'hour'
          AND window >= toDateTime(%(start)s, 'UTC') AND window < toDateTime(%(start)s, 'UTC') + INTERVAL %(hours)s HOUR
          AND article_id IN (SELECT article_id FROM %(ids)s)
        GROUP BY article_id, hour
    ),
    merged AS
    (
        SELECT if(canonical_id = '', raw.article_id, canonical_id) AS article_id, hour, sum(raw.hourly) AS hourly
        FROM counted AS raw
        LEFT ANY JOIN %(aliases)s AS aliases ON aliases.article_id = raw.article_id
        GROUP BY 1, hour
    )
SELECT article_id, groupArrayInsertAt(0, %(hours)s)(hourly, hour) AS views
FROM %(merged)s
GROUP BY article_id
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
