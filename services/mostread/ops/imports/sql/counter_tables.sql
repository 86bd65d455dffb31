-- The epochs of `counter_versions`: another one after `mostread rebuild`, and two while it runs.
SELECT database, default_expression
FROM system.columns
WHERE database IN (%(database)s, %(staging)s) AND table = 'counter_versions' AND name = 'epoch'
ORDER BY database
