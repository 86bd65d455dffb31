-- From how many visitors the views of an article came in an hour: sketches of those that were read
-- most (engagement/visitors.py). Visitors are hashes that are others for each article. An article
-- may have several sketches in an hour, of stretches of the log that follow one another.
CREATE TABLE IF NOT EXISTS visitors
(
    site           LowCardinality(String),
    article_id     String,
    hour           DateTime('UTC') COMMENT 'its start, by the time of the record',
    topic_id       UUID,
    partition      UInt32,
    since          UInt64 COMMENT 'offset of the first record taken in',
    views          UInt64 COMMENT 'views that were looked at',
    heaviest       Array(UInt64) COMMENT 'who viewed it most',
    heaviest_views Array(UInt64) COMMENT 'how often each of them did',
    lowest         Array(UInt64) COMMENT 'the lowest hashes of visitors, sorted, 64 at most',
    version        UInt64 COMMENT 'offset of the last record taken in'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfDay(hour)
ORDER BY (site, article_id, hour, topic_id, partition, since)
TTL hour + INTERVAL 9 DAY DELETE
-- A list asks for a few articles, whose rows are wide: small granules, so that few others are read.
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE placements
    ADD COLUMN IF NOT EXISTS approved Nullable(Bool) COMMENT 'listed however few its visitors are' AFTER expires_at;

ALTER TABLE placement_log
    ADD COLUMN IF NOT EXISTS approved Nullable(Bool) COMMENT 'listed however few its visitors are' AFTER expires_at;
