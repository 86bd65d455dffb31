-- Which tables these are: after `mostread rebuild` they are others.
SELECT toString(uuid) FROM system.tables
WHERE database = currentDatabase() AND name IN ('counters', 'checkpoints')
ORDER BY name
