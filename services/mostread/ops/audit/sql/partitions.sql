-- Partitions of a topic with rows in either table.
SELECT DISTINCT partition FROM counters WHERE topic_id = %(topic)s
UNION DISTINCT
SELECT DISTINCT partition FROM checkpoints WHERE topic_id = %(topic)s
