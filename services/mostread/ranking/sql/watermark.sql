-- The watermark of the topic. A recreated topic has another id: the query uses the one counted
-- last.
SELECT
    count() AS seen,
    max(partitions) AS expected,
    toUnixTimestamp64Milli(min(watermark)) AS watermark
FROM
(
    SELECT partition, max(partitions) AS partitions, max(watermark) AS watermark
    FROM checkpoints
    WHERE topic_id IN (SELECT topic_id FROM checkpoints GROUP BY topic_id ORDER BY max(checkpoints.watermark) DESC, topic_id LIMIT 1)
    GROUP BY partition
)
SETTINGS output_format_json_quote_64bit_integers = 0
