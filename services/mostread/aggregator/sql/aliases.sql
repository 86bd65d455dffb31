-- Every alias, and when it was read. The last row marks the end of a complete response.
SELECT site, article_id, alias_of, by, version
FROM alias_versions FINAL
WHERE alias_of != ''
UNION ALL
SELECT '', '', '', '', toUInt64(toUnixTimestamp64Micro(now64(6)))
