-- From how many visitors the views of an article came in an hour: a sketch of each of the most read
-- (engagement/visitors.py). Visitors are hashes that are others for each article.
CREATE TABLE IF NOT EXISTS visitors
(
    site           LowCardinality(String),
    hour           DateTime('UTC') COMMENT 'its start',
    article_id     String,
    topic_id       UUID,
    partition      UInt32,
    views          UInt64 COMMENT 'views that were looked at, each as many times as it stands for',
    heaviest       Array(UInt64) COMMENT 'who viewed it most',
    heaviest_views Array(UInt64) COMMENT 'how often each of them did',
    lowest         Array(UInt64) COMMENT 'the lowest hashes of visitors, sorted, 64 at most',
    version        UInt64 COMMENT 'offset of the last record taken in'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfDay(hour)
ORDER BY (site, hour, article_id, topic_id, partition)
TTL hour + INTERVAL 9 DAY DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE placements
    ADD COLUMN IF NOT EXISTS cleared Nullable(Bool) COMMENT 'listed however few its visitors are' AFTER expires_at;

ALTER TABLE placement_log
    ADD COLUMN IF NOT EXISTS cleared Nullable(Bool) COMMENT 'listed however few its visitors are' AFTER expires_at;
