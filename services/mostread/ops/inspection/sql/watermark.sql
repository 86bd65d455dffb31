-- How far the topic that was counted last is, and what became of its events; it may have been
-- made again. And how many rows of counters there are.
SELECT
    count(), toUnixTimestamp64Milli(min(as_of)), sum(received), sum(counted), sum(duplicate),
    sum(late), sum(dead_lettered),
    (
        SELECT sum(total_rows) FROM system.tables
        WHERE database = currentDatabase() AND name = 'counters'
    )
FROM
(
    SELECT
        partition, max(progress.as_of) AS as_of, max(progress.received) AS received,
        max(progress.counted) AS counted, max(progress.duplicate) AS duplicate,
        max(progress.late) AS late, max(progress.dead_lettered) AS dead_lettered
    FROM progress
    WHERE topic_id IN
    (
        SELECT topic_id FROM progress WHERE topic = %(topic)s
        GROUP BY topic_id ORDER BY max(progress.as_of) DESC, topic_id LIMIT 1
    )
    GROUP BY partition
)
