-- Tables with rows, and the columns that an insert must name. The epoch of counters and checkpoints
-- belongs to the table rather than to its rows: a restore sets a new one.
SELECT table, groupArray(name)
FROM
(
    SELECT table, name
    FROM system.columns
    WHERE database = {database:String} AND default_kind IN ('', 'DEFAULT')
      AND NOT (name = 'epoch' AND table IN ('counter_versions', 'checkpoint_versions'))
      AND table IN (SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree')
      AND table != 'schema_migrations' AND table NOT LIKE 'staged\\_import\\_%'
    ORDER BY table, position
)
GROUP BY table
ORDER BY table
