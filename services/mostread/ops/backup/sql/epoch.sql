-- Epoch of the counters, the number of rebuilds before them.
SELECT toUInt32(default_expression) FROM system.columns
WHERE database = {database:String} AND table = 'counter_versions' AND name = 'epoch'
