-- Statements that hold in every database, each with the number of rows that contradict it.
SELECT 'received = counted + duplicate + late + dead_lettered + excluded', count()
FROM checkpoint_versions FINAL
WHERE received != counted + duplicate + late + dead_lettered + excluded
UNION ALL
SELECT 'each editorial decision in force is in the log', count()
FROM placement_versions FINAL
WHERE (site, article_id, version) NOT IN (SELECT site, article_id, version FROM placement_log)
