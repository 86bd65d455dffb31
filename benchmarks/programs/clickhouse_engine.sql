-- The usual three tables: counts, the queue, and the view between them.
CREATE DATABASE IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.counted
    (minute DateTime('UTC'), article_id String, type LowCardinality(String), events UInt64)
    ENGINE = SummingMergeTree ORDER BY (minute, article_id, type);
CREATE TABLE IF NOT EXISTS bench.queue
    (id String, type LowCardinality(String), article_id String, timestamp UInt64, visitor String)
    ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}',
    kafka_group_name = '{group}', kafka_format = 'JSONEachRow',
    kafka_num_consumers = {consumers}, kafka_max_block_size = 1048576,
    kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000;
CREATE MATERIALIZED VIEW IF NOT EXISTS bench.counting TO bench.counted AS
    SELECT toStartOfMinute(toDateTime(intDiv(timestamp, 1000), 'UTC')) AS minute, article_id,
        type, count() AS events
    FROM bench.queue GROUP BY minute, article_id, type
