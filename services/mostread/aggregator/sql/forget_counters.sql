-- Rows of before a forget, and with `others` those of imports and of earlier topics. The condition
-- on the epoch keeps a worker that has not noticed a rebuild from deleting rows of the new table.
DELETE FROM counter_versions
WHERE epoch = {epoch:UInt32} AND site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
  AND (topic_id != {topic:UUID} AND {others:Bool}
    OR topic_id = {topic:UUID} AND version < transform(partition, {partitions:Array(UInt32)}, {offsets:Array(UInt64)}, toUInt64(0)))
