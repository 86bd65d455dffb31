-- A checkpoint, without which lists have no watermark.
INSERT INTO checkpoint_versions (topic, topic_id, partition, partitions, next_offset, watermark)
SELECT 'engagement.events', '11111111-1111-4111-8111-111111111111', 0, 1, 1, now64(3, 'UTC')
