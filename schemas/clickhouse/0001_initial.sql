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
-- received = counted + duplicate + late + dead_lettered + excluded. Written after the counters.
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
    excluded      UInt64 DEFAULT 0 COMMENT 'counted nowhere: an exclusion covers it',
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

-- Forgets that are counted (`mostread forget`), for operators; counting itself reads them in the
-- log. Written before the checkpoint, again after a crash.
CREATE TABLE IF NOT EXISTS forgets
(
    topic        LowCardinality(String),
    topic_id     UUID,
    partition    UInt32,
    offset       UInt64 COMMENT 'of the control record; counters of before are forgotten',
    site         LowCardinality(String),
    article_id   String COMMENT 'empty for the whole site',
    forget_id    String COMMENT 'the same in all partitions',
    forgotten_by LowCardinality(String) COMMENT 'user of the command, or name of the token',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'time of the record'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic_id, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Events of attacks that counters leave out (`mostread exclude`): one row for the addition of an
-- exclusion, and one for its removal. Rows are never deleted: workers, rebuilds and audits of tables
-- of epoch N apply the exclusions that were added in epochs up to N, and not removed in them.
CREATE TABLE IF NOT EXISTS exclusions
(
    id          String,
    action      Enum8('add' = 1, 'remove' = 2),
    site        LowCardinality(String),
    article_id  String COMMENT 'empty: all articles of the site',
    starts_at   DateTime('UTC') COMMENT 'the first minute to leave out, of the time at which an event counts',
    ends_at     DateTime('UTC') COMMENT 'the minute after the last one',
    visitor     String COMMENT 'empty: all visitors',
    reason      String,
    by          String,
    recorded_at DateTime64(3, 'UTC'),
    from_epoch  UInt32 COMMENT 'epoch of the tables from which on this row applies; 4294967295 until a rebuild applies it',
    applied_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'time of that rebuild',
    version     UInt32 COMMENT 'number of changes of this row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (id, action)
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

-- Aliases as they were written: former ids of articles, and former names of sites.
CREATE TABLE IF NOT EXISTS alias_versions
(
    site       LowCardinality(String),
    article_id String COMMENT 'the former id; empty where the site itself has another name now',
    alias_of   String COMMENT 'an id, or the name of a site; empty once the alias is deleted',
    by         LowCardinality(String) COMMENT 'name of the token; empty for a record without a value',
    version    UInt64 COMMENT 'record time in milliseconds, with the offset in the low bits'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The canonical id of each alias, through aliases of aliases. The aggregators derive it from
-- `alias_versions`.
CREATE TABLE IF NOT EXISTS canonical_id_versions
(
    site         LowCardinality(String) COMMENT 'the present name; of a former name, a row without article_id',
    article_id   String COMMENT 'a former id; empty for the site itself',
    canonical_id String COMMENT 'the present id, or the present name of the site; empty once the alias is deleted',
    version      UInt64 COMMENT 'when the aliases were read, in microseconds',
    INDEX canonical canonical_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, article_id)
-- Articles look up their few aliases: small granules avoid reading many others.
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

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
    until         Nullable(DateTime64(3, 'UTC')) COMMENT 'hidden ends here; in a decision that does not hide, pinned and approved end',
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

-- The views below are for analysts (docs/how-to/analysis.md): each row is one thing, in its newest
-- version and summed over partitions, so that adding rows up is right. They exclude the site of the
-- canary, and read with the rights of the user who created them, so that analysts need no rights on
-- tables.
CREATE VIEW IF NOT EXISTS aliases
(
    site         LowCardinality(String) COMMENT 'publication; a former name in a row without article_id',
    article_id   String COMMENT 'former id; empty for a site that was renamed',
    canonical_id String COMMENT 'the present id, or the present name of the site'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT site, article_id, canonical_id
FROM canonical_id_versions FINAL
WHERE canonical_id != ''
COMMENT 'Former ids of articles and former names of sites, which the other views show as the present ones';

-- Not for analysts: the rows of the next four, which are summed over ids and partitions there.
-- Conditions on a site or an article reach the first part, which is nearly all of it.
CREATE VIEW IF NOT EXISTS canonical_counters
(
    site       LowCardinality(String),
    article_id String,
    grain      Enum8('minute' = 1, 'hour' = 2, 'total' = 3, 'week' = 4),
    window     DateTime('UTC'),
    views      Int64,
    comments   Int64,
    likes      Int64
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    renamed AS (SELECT site, canonical_id FROM canonical_id_versions FINAL WHERE article_id = '' AND canonical_id != ''),
    moved AS (SELECT site, article_id, canonical_id FROM canonical_id_versions FINAL WHERE article_id != '' AND canonical_id != '')
SELECT site, article_id, grain, window, views, comments, likes
FROM counter_versions FINAL
WHERE site != 'mostread.canary' AND site NOT IN (SELECT site FROM renamed) AND (site, article_id) NOT IN (SELECT site, article_id FROM moved)
UNION ALL
SELECT
    present.site AS site, if(moved.canonical_id = '', present.article_id, moved.canonical_id) AS article_id,
    grain, window, views, comments, likes
FROM
(
    SELECT if(renamed.canonical_id = '', found.site, renamed.canonical_id) AS site, found.article_id AS article_id, grain, window, views, comments, likes
    FROM
    (
        SELECT site, article_id, grain, window, views, comments, likes
        FROM counter_versions FINAL
        WHERE site IN (SELECT site FROM renamed) OR (site, article_id) IN (SELECT site, article_id FROM moved)
    ) AS found
    LEFT ANY JOIN renamed ON renamed.site = found.site
) AS present
LEFT ANY JOIN moved ON moved.site = present.site AND moved.article_id = present.article_id;

CREATE VIEW IF NOT EXISTS totals
(
    site       LowCardinality(String) COMMENT 'publication',
    article_id String COMMENT 'id of the article, unique within its site',
    views      Int64 COMMENT 'views of all time, imports and late events included',
    comments   Int64 COMMENT 'comments of all time, less those taken back',
    likes      Int64 COMMENT 'likes of all time, less those taken back'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT site, article_id, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM canonical_counters
WHERE grain = 'total' AND window = toDateTime(0, 'UTC')
GROUP BY site, article_id
HAVING views != 0 OR comments != 0 OR likes != 0
COMMENT 'Counts of all time, one row per article';

CREATE VIEW IF NOT EXISTS hours
(
    site       LowCardinality(String) COMMENT 'publication',
    article_id String COMMENT 'id of the article, unique within its site',
    hour       DateTime('UTC') COMMENT 'start of the hour',
    views      Int64 COMMENT 'views in the hour, by the time of the event',
    comments   Int64 COMMENT 'comments in the hour, less those taken back in it',
    likes      Int64 COMMENT 'likes in the hour, less those taken back in it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT site, article_id, window AS hour, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM canonical_counters
WHERE grain = 'hour'
GROUP BY site, article_id, hour
HAVING views != 0 OR comments != 0 OR likes != 0
COMMENT 'Counts by hour for 400 days, one row per article and hour with events';

CREATE VIEW IF NOT EXISTS days
(
    site       LowCardinality(String) COMMENT 'publication',
    article_id String COMMENT 'id of the article, unique within its site',
    day        Date COMMENT 'day in UTC',
    views      Int64 COMMENT 'views on the day, by the time of the event',
    comments   Int64 COMMENT 'comments on the day, less those taken back on it',
    likes      Int64 COMMENT 'likes on the day, less those taken back on it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT site, article_id, toDate(window) AS day, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM canonical_counters
WHERE grain = 'hour'
GROUP BY site, article_id, day
HAVING views != 0 OR comments != 0 OR likes != 0
COMMENT 'Counts by day in UTC for 400 days, one row per article and day with events: the sum of its hours';

CREATE VIEW IF NOT EXISTS minutes
(
    site       LowCardinality(String) COMMENT 'publication',
    article_id String COMMENT 'id of the article, unique within its site',
    minute     DateTime('UTC') COMMENT 'start of the minute',
    views      Int64 COMMENT 'views in the minute, by the time of the event',
    comments   Int64 COMMENT 'comments in the minute, less those taken back in it',
    likes      Int64 COMMENT 'likes in the minute, less those taken back in it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT site, article_id, window AS minute, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM canonical_counters
WHERE grain = 'minute'
GROUP BY site, article_id, minute
HAVING views != 0 OR comments != 0 OR likes != 0
COMMENT 'Counts by minute for 35 days, one row per article and minute with events';

-- The rules are those of `standing` in core/editorial/placements.py.
CREATE VIEW IF NOT EXISTS articles
(
    site         LowCardinality(String) COMMENT 'publication',
    article_id   String COMMENT 'id of the article, unique within its site',
    title        String COMMENT 'headline; empty if deleted or not described',
    url          String COMMENT 'address; empty if unknown',
    section      LowCardinality(String) COMMENT 'empty if unknown',
    language     LowCardinality(String) COMMENT 'BCP 47, as the CMS writes it; empty if unknown',
    published_at Nullable(DateTime64(3, 'UTC')) COMMENT 'null if unknown',
    image        String COMMENT 'address of the image; empty if unknown',
    authors      Array(String) COMMENT 'in the order of the CMS',
    tags         Array(LowCardinality(String)) COMMENT 'in the order of the CMS',
    described    Bool COMMENT 'false if only an editor decided on it, or the CMS deleted it',
    withheld     LowCardinality(String) COMMENT 'why no list contains it now: deleted, hidden, embargoed, expired or scheduled; empty if lists may contain it',
    pinned       Nullable(UInt16) COMMENT 'rank that it is pinned to now, in some list or all; null if not pinned'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    renamed AS (SELECT site, canonical_id FROM aliases WHERE article_id = ''),
    moved AS (SELECT site, article_id FROM aliases WHERE article_id != ''),
    (SELECT (groupArray(toString(site)), groupArray(canonical_id)) FROM renamed) AS names
SELECT
    site, article_id, title, url, section, language, published_at, image, authors, tags,
    known AND NOT deleted AS described,
    multiIf(
        deleted, 'deleted',
        coalesce(decided_hidden, hidden), 'hidden',
        ifNull(now64(3) < embargo_until, false), 'embargoed',
        ifNull(expires_at <= now64(3), false), 'expired',
        ifNull(published_at > now64(3) + INTERVAL 60 SECOND, false), 'scheduled',
        '') AS withheld,
    nullIf(coalesce(decided_pinned, pinned), 0) AS pinned
FROM
(
    SELECT found.* REPLACE (transform(found.site, names.1, names.2, found.site) AS site), true AS known
    FROM article_versions AS found FINAL
    WHERE found.site != 'mostread.canary' AND (transform(found.site, names.1, names.2, found.site), found.article_id) NOT IN moved
    -- The row under the present name of a site comes first.
    ORDER BY site, article_id, found.site != site
    LIMIT 1 BY site, article_id
) AS described
FULL JOIN
(
    SELECT
        site, article_id, embargo_until, expires_at,
        if(until IS NULL OR now64(3) < until, hidden, NULL) AS decided_hidden,
        if(until IS NULL OR now64(3) < until OR ifNull(hidden, false), pinned, NULL) AS decided_pinned
    FROM
    (
        SELECT found.* REPLACE (transform(found.site, names.1, names.2, found.site) AS site)
        FROM placement_versions AS found FINAL
        WHERE found.site != 'mostread.canary' AND (transform(found.site, names.1, names.2, found.site), found.article_id) NOT IN moved
        ORDER BY site, article_id, found.site != site
        LIMIT 1 BY site, article_id
    )
) AS decided USING (site, article_id)
SETTINGS join_use_nulls = 0
COMMENT 'What is true of each article now, one row per article that the CMS or an editor knows';

CREATE VIEW IF NOT EXISTS decisions
(
    site             LowCardinality(String) COMMENT 'publication',
    article_id       String COMMENT 'id of the article, unique within its site',
    decision_id      UInt64 COMMENT 'id of the decision; a later one has a higher id',
    decided_at       DateTime64(3, 'UTC') COMMENT 'time of the decision',
    by               LowCardinality(String) COMMENT 'name of the editor or the token; empty if the record had no value',
    reason           String COMMENT 'as the editor wrote it; empty without one',
    current          Bool COMMENT 'the last decision about the article, which replaces all earlier ones',
    hidden           Nullable(Bool) COMMENT 'null leaves it to the CMS',
    pinned           Nullable(UInt16) COMMENT 'rank; 0 unpins; null leaves it to the CMS',
    pinned_sections  Array(String) COMMENT 'lists in which the pin holds: their sections, empty for any',
    pinned_languages Array(String) COMMENT 'their languages, empty for any',
    pinned_windows   Array(String) COMMENT 'their windows, empty for any',
    embargo_until    Nullable(DateTime64(3, 'UTC')) COMMENT 'no list contains the article before',
    expires_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'no list contains the article from then on',
    approved         Nullable(Bool) COMMENT 'listed even with few visitors',
    until            Nullable(DateTime64(3, 'UTC')) COMMENT 'end of hidden, pinned and approved; null if they have none',
    undoes           Nullable(UInt64) COMMENT 'id of the decision that this one takes back'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    site, article_id, version AS decision_id, decided_at, by, reason,
    toBool(version = max(version) OVER (PARTITION BY site, article_id)) AS current,
    hidden, pinned, pinned_sections, pinned_languages, pinned_windows, embargo_until, expires_at,
    approved, until, undoes
FROM placement_log FINAL
WHERE site != 'mostread.canary'
COMMENT 'Decisions of editors, current and past, one row per decision';

CREATE VIEW IF NOT EXISTS freshness
(
    as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'every event that was received before is in the counts; null until each partition was counted'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT if(count() > 0 AND count() = max(partitions), min(watermark), NULL) AS as_of
FROM checkpoint_versions FINAL
WHERE topic_id IN (SELECT argMax(topic_id, written_at) FROM checkpoint_versions)
COMMENT 'How far events are counted, one row';
