SELECT DISTINCT _partition_id FROM {table:Identifier} ORDER BY 1
