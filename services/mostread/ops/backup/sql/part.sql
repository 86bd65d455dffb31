-- The rows of one partition of a table, each key once.
SELECT {columns} FROM {table} FINAL WHERE _partition_id = '{partition}'
