-- The tables that hold anything, with what an insert into them must name. `epoch` is of the
-- table and not of the row: it gets a number of its own where it is put back.
SELECT table, groupArray(name)
FROM
(
    SELECT table, name
    FROM system.columns
    WHERE database = {database:String} AND default_kind IN ('', 'DEFAULT') AND name != 'epoch'
      AND table IN (SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree')
      AND table != 'schema_migrations' AND table NOT LIKE 'import\\_%'
    ORDER BY table, position
)
GROUP BY table
ORDER BY table
