-- Rows of one partition of a table, deduplicated by key.
SELECT {columns} FROM {table} FINAL WHERE _partition_id = '{partition}'
