-- Epoch of the tables, the number of rebuilds before them.
SELECT toUInt32(default_expression) FROM system.columns
WHERE database = currentDatabase() AND table = 'counter_versions' AND name = 'epoch'
