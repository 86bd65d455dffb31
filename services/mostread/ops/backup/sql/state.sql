-- What is another after a rebuild, an import or its removal.
SELECT what, number
FROM
(
    SELECT name AS what, toString(uuid) AS number FROM system.tables
    WHERE database = {database:String} AND name IN ('counters', 'checkpoints')
    UNION ALL
    SELECT name, toString(version) FROM imports FINAL
)
ORDER BY what, number
