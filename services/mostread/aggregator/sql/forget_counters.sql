-- Rows of before a forget, and with `others` those of imports and of earlier topics. The condition
-- on the epoch keeps a worker that has not noticed a rebuild from deleting rows of the new table.
-- One statement for all forgets: ClickHouse rewrites parts for each.
DELETE FROM counter_versions
WHERE epoch = {epoch:UInt32} AND site IN {sites:Array(String)} AND (article_id IN {articles:Array(String)} OR {all:Bool})
  AND (topic_id != {topic:UUID} AND {others:Bool} AND (concat(site, '\n', article_id) IN {targets:Array(String)} OR concat(site, '\n') IN {targets:Array(String)})
    OR topic_id = {topic:UUID} AND version < greatest(
      transform(concat(site, '\n', article_id, '\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0)),
      transform(concat(site, '\n\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0))))
