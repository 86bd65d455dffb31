DELETE FROM counters WHERE topic_id = %(topic)s
