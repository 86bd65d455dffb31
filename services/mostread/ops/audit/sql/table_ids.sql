-- UUIDs of the tables, which change with `mostread rebuild`.
SELECT toString(uuid) FROM system.tables
WHERE database = currentDatabase() AND name IN ('counter_versions', 'checkpoint_versions')
ORDER BY name
