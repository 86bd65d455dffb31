-- How often each of the two tables was rebuilt.
SELECT table, default_expression FROM system.columns
WHERE database = currentDatabase() AND table IN ('counters', 'checkpoints') AND name = 'epoch'
