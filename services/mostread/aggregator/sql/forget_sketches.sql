-- Visitor sketches that began before a forget, and those of earlier topics.
DELETE FROM visitor_sketches
WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
  AND (topic_id != {topic:UUID}
    OR since < transform(partition, {partitions:Array(UInt32)}, {offsets:Array(UInt64)}, toUInt64(0)))
