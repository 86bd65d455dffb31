-- How often each of the two tables was rebuilt. The last row shows the answer to be whole.
SELECT 0, table, default_expression
FROM system.columns
WHERE database = currentDatabase() AND table IN ('counters', 'checkpoints') AND name = 'epoch'
UNION ALL
SELECT %(no_partition)s, '', ''
