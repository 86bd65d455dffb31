-- Table ids and import versions: a rebuild, an import or a removal changes them.
SELECT name, value
FROM
(
    SELECT name, toString(uuid) AS value FROM system.tables
    WHERE database = {database:String} AND name IN ('counter_versions', 'checkpoint_versions')
    UNION ALL
    SELECT name, toString(version) FROM import_versions FINAL
)
ORDER BY name, value
