-- Views by hour, from `start` on, of the articles that rank_history.sql ranks and that are withheld:
-- `standing` in core/editorial/placements.py.
WITH fromUnixTimestamp64Milli({at:Int64}) AS asked_at
SELECT article_id, groupArrayInsertAt(0, {hours:UInt32})(hourly, hour) AS views
FROM
(
    SELECT article_id, toUInt32(intDiv(toUnixTimestamp(window) - {start:UInt32}, 3600)) AS hour, sum(views) AS hourly
    FROM counter_versions FINAL
    WHERE site = {site:String} AND grain = 'hour'
      AND window >= toDateTime({start:UInt32}, 'UTC') AND window < toDateTime({start:UInt32}, 'UTC') + INTERVAL {hours:UInt32} HOUR
      AND article_id IN
      (
          SELECT article_id
          FROM
          (
              SELECT article_id, true AS described, deleted, hidden AS cms_hidden, published_at
              FROM article_versions FINAL
              WHERE site = {site:String}
          ) AS metadata
          FULL JOIN
          (
              SELECT
                  article_id, if(until IS NULL OR asked_at < until, hidden, NULL) AS decided_hidden,
                  ifNull(asked_at < embargo_until, false) OR ifNull(expires_at <= asked_at, false) AS outside
              FROM placement_versions FINAL
              WHERE site = {site:String}
          ) AS decided USING (article_id)
          WHERE (described OR {undescribed:UInt8})
            AND (deleted OR outside OR coalesce(decided_hidden, cms_hidden) OR ifNull(published_at > fromUnixTimestamp64Milli({latest:Int64}), false))
      )
    GROUP BY article_id, hour
)
GROUP BY article_id
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
