-- Epoch of each of the two tables. The last row marks the end of a complete response.
SELECT 0, table, default_expression
FROM system.columns
WHERE database = currentDatabase() AND table IN ('counter_versions', 'checkpoint_versions') AND name = 'epoch'
UNION ALL
SELECT %(no_partition)s, '', ''
