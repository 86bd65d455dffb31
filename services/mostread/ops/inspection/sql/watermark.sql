-- Watermark and outcomes of the most recently counted topic of this name (a topic may have been
-- recreated), and the number of rows in `counters`.
SELECT
    count(), toUnixTimestamp64Milli(min(watermark)), sum(received), sum(counted), sum(duplicate),
    sum(late), sum(dead_lettered),
    (
        SELECT sum(total_rows) FROM system.tables
        WHERE database = currentDatabase() AND name = 'counters'
    )
FROM
(
    SELECT
        partition, max(checkpoints.watermark) AS watermark, max(checkpoints.received) AS received,
        max(checkpoints.counted) AS counted, max(checkpoints.duplicate) AS duplicate,
        max(checkpoints.late) AS late, max(checkpoints.dead_lettered) AS dead_lettered
    FROM checkpoints
    WHERE topic_id IN
    (
        SELECT topic_id FROM checkpoints WHERE topic = %(topic)s
        GROUP BY topic_id ORDER BY max(checkpoints.watermark) DESC, topic_id LIMIT 1
    )
    GROUP BY partition
)
