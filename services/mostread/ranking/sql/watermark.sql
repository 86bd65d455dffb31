-- How far the events are counted. A topic that was made again has another id: the one that
-- was counted last is meant.
SELECT
    count() AS seen,
    max(partitions) AS expected,
    toUnixTimestamp64Milli(min(as_of)) AS as_of
FROM
(
    SELECT partition, max(partitions) AS partitions, max(as_of) AS as_of
    FROM progress
    WHERE topic_id IN (SELECT topic_id FROM progress GROUP BY topic_id ORDER BY max(progress.as_of) DESC, topic_id LIMIT 1)
    GROUP BY partition
)
SETTINGS output_format_json_quote_64bit_integers = 0
