SELECT database, table, default_expression
FROM system.columns
WHERE database IN {databases:Array(String)} AND table IN ('counters', 'checkpoints') AND name = 'epoch'
