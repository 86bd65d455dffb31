-- Epoch of each of the two tables.
SELECT table, default_expression FROM system.columns
WHERE database = currentDatabase() AND table IN ('counters', 'checkpoints') AND name = 'epoch'
