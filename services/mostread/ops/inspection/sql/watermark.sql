-- Watermark, outcomes and lost records of the topic of this name that Kafka has now (a topic may
-- have been recreated, and the last one to be counted is the current one), and the number of rows
-- in `counter_versions`.
SELECT
    count(), toUnixTimestamp64Milli(min(watermark)), sum(received), sum(counted), sum(duplicate),
    sum(late), sum(dead_lettered), sum(excluded), sum(lost),
    (
        SELECT sum(total_rows) FROM system.tables
        WHERE database = currentDatabase() AND name = 'counter_versions'
    )
FROM checkpoint_versions FINAL
WHERE topic_id IN (SELECT argMax(topic_id, written_at) FROM checkpoint_versions WHERE topic = %(topic)s)
