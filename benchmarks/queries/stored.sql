-- Rows and bytes on disk of each table.
SELECT table, sum(rows), sum(bytes_on_disk)
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
