SELECT name FROM system.tables
WHERE database = {database:String} AND engine LIKE '%MergeTree' AND position(create_table_query, ' TTL ') > 0
ORDER BY name
