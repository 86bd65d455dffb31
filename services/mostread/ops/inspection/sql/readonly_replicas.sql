SELECT table FROM system.replicas WHERE database = currentDatabase() AND is_readonly ORDER BY table
