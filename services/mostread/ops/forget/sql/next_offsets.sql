-- How far each partition of a topic is counted.
SELECT partition, max(next_offset) FROM checkpoint_versions WHERE topic_id = {topic:UUID} GROUP BY partition
