SELECT name, total_bytes FROM system.tables WHERE database = currentDatabase() AND total_bytes IS NOT NULL
