-- Epoch of each of the two tables.
SELECT table, default_expression FROM system.columns
WHERE database = currentDatabase() AND table IN ('counter_versions', 'checkpoint_versions') AND name = 'epoch'
