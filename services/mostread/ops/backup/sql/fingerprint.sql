-- Table ids and import versions: a rebuild, an import or a removal changes them.
SELECT name, value
FROM
(
    SELECT name, toString(uuid) AS value FROM system.tables
    WHERE database = {database:String} AND name IN ('counters', 'checkpoints')
    UNION ALL
    SELECT name, toString(version) FROM imports FINAL
)
ORDER BY name, value
