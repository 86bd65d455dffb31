-- Partitions of a topic with rows in either table.
SELECT DISTINCT partition FROM counter_versions WHERE topic_id = %(topic)s
UNION DISTINCT
SELECT DISTINCT partition FROM checkpoint_versions WHERE topic_id = %(topic)s
