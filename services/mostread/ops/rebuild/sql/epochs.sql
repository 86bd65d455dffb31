SELECT database, table, default_expression
FROM system.columns
WHERE database IN {databases:Array(String)} AND table IN ('counter_versions', 'checkpoint_versions') AND name = 'epoch'
