-- Descriptions or decisions of before a forget; the highest bit of a version is that of a CMS.
DELETE FROM {table:Identifier}
WHERE site IN {sites:Array(String)}
  AND bitAnd(version, 0x7FFFFFFFFFFFFFFF) < greatest(
    transform(concat(site, '\n', article_id), {targets:Array(String)}, {versions:Array(UInt64)}, toUInt64(0)),
    transform(concat(site, '\n'), {targets:Array(String)}, {versions:Array(UInt64)}, toUInt64(0)))
