SELECT name, toString(digest), articles, views, comments, likes, removed, toUnixTimestamp64Milli(changed_at), version
FROM import_versions FINAL
WHERE name = %(name)s OR %(name)s = ''
ORDER BY changed_at, name
