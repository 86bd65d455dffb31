-- Descriptions or decisions of before a forget; the highest bit of a version is that of a CMS.
DELETE FROM {table:Identifier}
WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
  AND bitAnd(version, 0x7FFFFFFFFFFFFFFF) < {version:UInt64}
