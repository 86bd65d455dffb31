-- The partitions of a topic that anything was counted of.
SELECT DISTINCT partition FROM counters WHERE topic_id = %(topic)s
UNION DISTINCT
SELECT DISTINCT partition FROM checkpoints WHERE topic_id = %(topic)s
