-- A counter is a pure function of one partition's log up to `version`, the offset of the last
-- record counted into it. The row with the highest version is the right one; writing a row
-- twice, or an older one late, changes nothing.
CREATE TABLE IF NOT EXISTS counters
(
    site       LowCardinality(String),
    grain      Enum8('minute' = 1, 'hour' = 2, 'total' = 3),
    window     DateTime('UTC') COMMENT 'start of the window, inclusive; 1970-01-01 for total',
    article_id String,
    topic_id   UUID   COMMENT 'a topic deleted and made again has another id, so its offsets never meet old versions',
    partition  UInt32,
    views      Int64,
    comments   Int64,
    likes      Int64,
    version    UInt64 COMMENT 'offset of the last record counted into this row',
    rebuild    UInt32 DEFAULT 0 COMMENT 'how often these tables were rebuilt',
    -- `mostread rebuild` exchanges the tables. What a worker still writes that began with the
    -- tables before is refused, whenever it comes.
    CONSTRAINT rebuild CHECK rebuild = 0
)
ENGINE = ReplacingMergeTree(version)
-- Every column here is in the sorting key, so all rows of a key meet in one partition.
PARTITION BY (grain, multiIf(grain = 'minute', toStartOfDay(window), grain = 'hour', toDateTime(toStartOfMonth(window), 'UTC'), toDateTime(0, 'UTC')))
ORDER BY (site, grain, window, article_id, topic_id, partition)
TTL window + INTERVAL 35 DAY DELETE WHERE grain = 'minute',
    window + INTERVAL 400 DAY DELETE WHERE grain = 'hour'
-- On disk before it is acknowledged: what was acknowledged is not read from Kafka again.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- How far each partition is counted, and what became of every event in it:
-- received = counted + duplicate + late + dead_lettered. Written after the counters.
CREATE TABLE IF NOT EXISTS progress
(
    topic         LowCardinality(String),
    topic_id      UUID,
    partition     UInt32,
    partitions    UInt32 COMMENT 'how many partitions the topic had when this was written',
    next_offset   UInt64 COMMENT 'every record below this offset is in the counters',
    record_time   DateTime64(3, 'UTC') COMMENT 'the highest record timestamp below next_offset',
    as_of         DateTime64(3, 'UTC') COMMENT 'every event received up to here is in the counters',
    received      UInt64,
    counted       UInt64,
    duplicate     UInt64,
    late          UInt64 COMMENT 'counted in total and in no window',
    dead_lettered UInt64,
    rebuild       UInt32 DEFAULT 0,
    CONSTRAINT rebuild CHECK rebuild = 0
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic_id, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS articles
(
    site         LowCardinality(String),
    article_id   String,
    title        String,
    url          String,
    section      LowCardinality(String),
    language     LowCardinality(String),
    published_at Nullable(DateTime64(3, 'UTC')),
    image        String,
    hidden       Bool,
    pinned       Nullable(UInt16),
    deleted      Bool,
    version      UInt64 COMMENT 'time of the record that said so, in milliseconds, with its offset in the low bits'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
