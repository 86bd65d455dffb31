-- What editors decided about articles: the decision that stands now, one row an article. Null
-- stands for what the decision says nothing of.
CREATE TABLE IF NOT EXISTS placements
(
    site          LowCardinality(String),
    article_id    String,
    hidden        Nullable(Bool),
    pinned        Nullable(UInt16) COMMENT '0: at no rank, whatever the CMS says',
    embargo_until Nullable(DateTime64(3, 'UTC')) COMMENT 'not listed before',
    expires_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'not listed from then on',
    until         Nullable(DateTime64(3, 'UTC')) COMMENT 'from then on nothing is decided',
    reason        String,
    by            LowCardinality(String) COMMENT 'name of the token; empty where the record was a mere deletion',
    undoes        Nullable(UInt64) COMMENT 'version of the decision that this one takes back',
    decided_at    DateTime64(3, 'UTC') COMMENT 'time of the record',
    version       UInt64 COMMENT 'as in articles: time of the record, with its offset in the low bits'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- All of them, for good: the topic keeps only the last of each article. A record that is read
-- again has the same version, and is the same row. Written before `placements`, so that what
-- stands is always here.
CREATE TABLE IF NOT EXISTS placement_log AS placements
ENGINE = ReplacingMergeTree
ORDER BY (site, article_id, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
