-- The watermark of the topic that Kafka has now. A recreated topic has another id: the query uses
-- the one whose checkpoints were written last.
SELECT
    count() AS seen,
    max(partitions) AS expected,
    toUnixTimestamp64Milli(min(watermark)) AS watermark
FROM checkpoint_versions FINAL
WHERE topic_id IN (SELECT argMax(topic_id, written_at) FROM checkpoint_versions)
SETTINGS output_format_json_quote_64bit_integers = 0
