-- A counter is a pure function of one partition's log up to `version`, the offset of the last
-- record counted into it. The row with the highest version wins: writing a row twice, or an
-- older row late, changes nothing.
CREATE TABLE IF NOT EXISTS counter_versions
(
    site       LowCardinality(String),
    grain      Enum8('minute' = 1, 'hour' = 2, 'total' = 3, 'week' = 4),
    window     DateTime('UTC') COMMENT 'start of the window, inclusive: Monday for week, 1970-01-01 for total',
    article_id String,
    topic_id   UUID   COMMENT 'a recreated topic has another id, so its offsets never meet old versions',
    partition  UInt32,
    views      Int64,
    comments   Int64,
    likes      Int64,
    version    UInt64 COMMENT 'offset of the last record counted into this row',
    epoch      UInt32 DEFAULT 0 COMMENT 'number of rebuilds before this table',
    -- `mostread rebuild` exchanges the tables. The constraint rejects rows that a worker writes
    -- for an earlier epoch, whenever they arrive.
    CONSTRAINT epoch CHECK epoch = 0
)
ENGINE = ReplacingMergeTree(version)
-- Every column here is in the sorting key, so all rows of a key meet in one partition.
PARTITION BY (grain, multiIf(grain = 'minute', toStartOfDay(window), grain IN ('hour', 'week'), toDateTime(toStartOfMonth(window), 'UTC'), toDateTime(0, 'UTC')))
ORDER BY (site, grain, window, article_id, topic_id, partition)
TTL window + INTERVAL 35 DAY DELETE WHERE grain = 'minute',
    window + INTERVAL 400 DAY DELETE WHERE grain = 'hour',
    window + INTERVAL 400 DAY DELETE WHERE grain = 'week'
-- On disk before ClickHouse acknowledges: the aggregator never rereads acknowledged records.
-- A partition that no longer changes becomes one part, in which FINAL has nothing to merge.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

-- How far each partition is counted, and the outcome of every event in it:
-- received = counted + duplicate + late + dead_lettered. Written after the counters.
CREATE TABLE IF NOT EXISTS checkpoint_versions
(
    topic         LowCardinality(String),
    topic_id      UUID,
    partition     UInt32,
    partitions    UInt32 COMMENT 'partitions of the topic when this row was written',
    next_offset   UInt64 COMMENT 'every record below this offset is in the counters, except for lost ones',
    lost          UInt64 DEFAULT 0 COMMENT 'offsets below next_offset whose records could not be counted: removed by retention, or skipped as unreadable',
    record_time   DateTime64(3, 'UTC') COMMENT 'the highest record timestamp below next_offset, between 1970 and 2100',
    watermark     DateTime64(3, 'UTC') COMMENT 'every event received up to here is in the counters; never ahead of the clock of the worker that wrote it',
    received      UInt64,
    counted       UInt64,
    duplicate     UInt64,
    late          UInt64 COMMENT 'counted in total and in no window',
    dead_lettered UInt64,
    -- A worker does not count a partition that newer rules have counted.
    rules         UInt16 DEFAULT 1 COMMENT 'RULES_VERSION of the worker that wrote this row',
    -- The topic written last is the one that Kafka has now.
    written_at    DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'by the clock of ClickHouse',
    epoch         UInt32 DEFAULT 0,
    CONSTRAINT epoch CHECK epoch = 0
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic_id, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Offsets whose records cannot be read, so that counting continues behind them
-- (`mostread skip`). A row is never deleted: workers, rebuilds and audits all pass the range.
CREATE TABLE IF NOT EXISTS skipped_ranges
(
    topic         LowCardinality(String),
    topic_id      UUID,
    partition     UInt32,
    first_offset  UInt64,
    next_offset   UInt64 COMMENT 'the offset after the range',
    counted_until UInt64 COMMENT 'offsets of the range below this one were counted while they could be read',
    reason        String,
    skipped_by    LowCardinality(String) COMMENT 'operator, or aggregator for MOSTREAD_AGGREGATOR_SKIP_AFTER',
    skipped_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(skipped_at)
ORDER BY (topic_id, partition, first_offset, next_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS article_versions
(
    site         LowCardinality(String),
    article_id   String,
    title        String,
    url          String,
    section      LowCardinality(String),
    language     LowCardinality(String),
    published_at Nullable(DateTime64(3, 'UTC')),
    image        String,
    authors      Array(String),
    tags         Array(LowCardinality(String)),
    hidden       Bool,
    pinned       Nullable(UInt16),
    deleted      Bool,
    version      UInt64 COMMENT 'record time in milliseconds, with the offset in the low bits; the highest bit is set if a CMS wrote it, and not if it is from a feed'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Imports of lifetime totals from an earlier system, by name. Their numbers are in
-- `counter_versions`, as grain 'total' of a topic id derived from the name. Written after them: an
-- interrupted import has no row here.
CREATE TABLE IF NOT EXISTS import_versions
(
    name       String,
    topic_id   UUID,
    digest     FixedString(64) COMMENT 'SHA-256 of the imported data, in hexadecimal',
    articles   UInt64,
    views      UInt64,
    comments   UInt64,
    likes      UInt64,
    removed    Bool,
    changed_at DateTime64(3, 'UTC'),
    version    UInt64 COMMENT 'number of imports and removals under this name'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The current editorial decision per article. Null: the CMS decides.
CREATE TABLE IF NOT EXISTS placement_versions
(
    site          LowCardinality(String),
    article_id    String,
    hidden        Nullable(Bool),
    pinned        Nullable(UInt16) COMMENT '0: not pinned, even where the CMS pins it',
    pinned_sections  Array(String) COMMENT 'lists in which the pin holds: their sections, empty for any',
    pinned_languages Array(String) COMMENT 'their languages',
    pinned_windows   Array(String) COMMENT 'their windows',
    embargo_until Nullable(DateTime64(3, 'UTC')) COMMENT 'not listed before this time',
    expires_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'not listed from this time on',
    approved      Nullable(Bool) COMMENT 'listed even with few visitors',
    until         Nullable(DateTime64(3, 'UTC')) COMMENT 'hidden, pinned and approved end here',
    reason        String,
    by            LowCardinality(String) COMMENT 'name of the token; empty for a record without a value',
    undoes        Nullable(UInt64) COMMENT 'version of the decision that this one reverts',
    decided_at    DateTime64(3, 'UTC') COMMENT 'time of the record',
    version       UInt64 COMMENT 'record time in milliseconds, with the offset in the low bits'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every editorial decision, without a TTL: the topic keeps only the last one per article. A
-- record read twice has the same version and yields the same row. Written before
-- `placement_versions`, so every current decision is also in the log.
CREATE TABLE IF NOT EXISTS placement_log AS placement_versions
ENGINE = ReplacingMergeTree
ORDER BY (site, article_id, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Visitor sketches of the most-read articles, per hour (core/counting/visitor_sketch.py).
-- Visitors are hashes that differ from article to article. An article may have several sketches
-- per hour, of consecutive parts of the log.
CREATE TABLE IF NOT EXISTS visitor_sketches
(
    site           LowCardinality(String),
    article_id     String,
    hour           DateTime('UTC') COMMENT 'start of the hour, by record time',
    topic_id       UUID,
    partition      UInt32,
    since          UInt64 COMMENT 'offset of the first record in the sketch',
    views          UInt64 COMMENT 'sampled views',
    heaviest       Array(UInt64) COMMENT 'visitors with the most views',
    heaviest_views Array(UInt64) COMMENT 'views of each of them',
    lowest         Array(UInt64) COMMENT 'lowest visitor hashes, sorted, 64 at most',
    version        UInt64 COMMENT 'offset of the last record in the sketch'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfDay(hour)
ORDER BY (site, article_id, hour, topic_id, partition, since)
TTL hour + INTERVAL 9 DAY DELETE
-- A list reads a few articles with wide rows: small granules avoid reading many others.
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;
