-- Checkpoint of each partition of a topic. Every column only grows.
SELECT
    partition, max(next_offset), toUnixTimestamp64Milli(max(checkpoints.watermark)),
    max(received), max(counted), max(duplicate), max(late), max(dead_lettered)
FROM checkpoints
WHERE topic_id = %(topic)s
GROUP BY partition
