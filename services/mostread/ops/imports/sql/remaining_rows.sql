SELECT count() FROM counter_versions WHERE topic_id = %(topic)s
