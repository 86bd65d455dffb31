-- UUIDs of the tables, which change with `mostread rebuild`.
SELECT toString(uuid) FROM system.tables
WHERE database = currentDatabase() AND name IN ('counters', 'checkpoints')
ORDER BY name
