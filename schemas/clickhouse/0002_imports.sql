-- Lifetime totals that an earlier system counted, by the name of their import. Their numbers are
-- in `counters`, as grain 'total' of a topic id that is made from the name; this says what they
-- are. Written after them: an import that was cut off is not here.
CREATE TABLE IF NOT EXISTS imports
(
    name       String,
    topic_id   UUID,
    digest     FixedString(64) COMMENT 'SHA-256 of what was imported, in hexadecimal',
    articles   UInt64,
    views      UInt64,
    comments   UInt64,
    likes      UInt64,
    removed    Bool,
    changed_at DateTime64(3, 'UTC'),
    version    UInt64 COMMENT 'how often this import was made or removed'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
