DELETE FROM counters
WHERE grain = 'total' AND window = toDateTime(0, 'UTC') AND topic_id = %(topic)s
