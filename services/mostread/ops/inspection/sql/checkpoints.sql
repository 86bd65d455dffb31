-- How far each partition of a topic is counted, and what became of its events. All of it only grows.
SELECT
    partition, max(next_offset), toUnixTimestamp64Milli(max(checkpoints.watermark)),
    max(received), max(counted), max(duplicate), max(late), max(dead_lettered)
FROM checkpoints
WHERE topic_id = %(topic)s
GROUP BY partition
