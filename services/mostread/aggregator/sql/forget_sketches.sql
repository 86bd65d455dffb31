-- Visitor sketches that began before a forget, and those of earlier topics.
DELETE FROM visitor_sketches
WHERE site IN {sites:Array(String)} AND (article_id IN {articles:Array(String)} OR {all:Bool})
  AND (topic_id != {topic:UUID} AND (concat(site, '\n', article_id) IN {targets:Array(String)} OR concat(site, '\n') IN {targets:Array(String)})
    OR topic_id = {topic:UUID} AND since < greatest(
      transform(concat(site, '\n', article_id, '\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0)),
      transform(concat(site, '\n\n', toString(partition)), {keys:Array(String)}, {offsets:Array(UInt64)}, toUInt64(0))))
