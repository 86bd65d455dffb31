-- The epoch of each `counters` table: another one after `mostread rebuild`, and two while it runs.
SELECT database, default_expression
FROM system.columns
WHERE database IN (%(database)s, %(staging)s) AND table = 'counters' AND name = 'epoch'
ORDER BY database
