SELECT count() FROM counters WHERE topic_id = %(topic)s
