-- Rows that forgets have left, each at the offset of its forget. All older rows of their keys are
-- deleted, so that none comes back.
DELETE FROM {new:Identifier}.counter_versions
WHERE topic_id = {topic:UUID} AND views = 0 AND comments = 0 AND likes = 0
  AND arrayExists(
    (named_site, named_article, forgotten_partition, forgotten_offset) ->
        site = named_site AND (article_id = named_article OR named_article = '')
        AND partition = forgotten_partition AND version = forgotten_offset,
    {sites:Array(String)}, {articles:Array(String)}, {partitions:Array(UInt32)}, {offsets:Array(UInt64)})
