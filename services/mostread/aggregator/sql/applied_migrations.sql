-- The migrations of the database. The last row shows the answer to be whole.
SELECT 0, version, name FROM schema_migrations FINAL
UNION ALL
SELECT %(no_partition)s, 0, ''
