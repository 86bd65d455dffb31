-- Grant each service its minimal permissions in ClickHouse; the collector needs none. Run it as an
-- administrator before the first `mostread init` and again with each version: existing users stay.
-- Pass passwords as their SHA-256 in hexadecimal:
--
--   hash() { printf %s "$(cat "$1")" | sha256sum | cut -d' ' -f1; }
--   clickhouse-client --queries-file deploy/clickhouse/grants.sql \
--     --param_init="$(hash init-password)" --param_aggregator="$(hash aggregator-password)" \
--     --param_ranking="$(hash ranking-password)" --param_operator="$(hash operator-password)" \
--     --param_analyst="$(hash analyst-password)"
--
-- For another MOSTREAD_CLICKHOUSE_DATABASE, replace `mostread.`,
-- `mostread_rebuild.` and `mostread_verify.`.
--
-- Profiles limit what one query may use; existing ones stay too, so raise them with ALTER SETTINGS
-- PROFILE. Services choose less by MOSTREAD_CLICKHOUSE_TIMEOUT_SECONDS, _MAX_MEMORY_BYTES and
-- _MAX_THREADS, and may not choose more memory or threads than MAX.

-- `mostread init`. The views read with its rights, also later: keep this user.
-- ReplicatedReplacingMergeTree tables ON CLUSTER also need the last two.
CREATE USER IF NOT EXISTS mostread_init IDENTIFIED WITH sha256_hash BY {init:String};
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER TABLE, SHOW COLUMNS ON mostread.* TO mostread_init;
GRANT SELECT, INSERT ON mostread.schema_migrations TO mostread_init;
GRANT SELECT ON mostread.counter_versions TO mostread_init;
GRANT SELECT ON mostread.checkpoint_versions TO mostread_init;
GRANT SELECT ON mostread.article_versions TO mostread_init;
GRANT SELECT ON mostread.placement_versions TO mostread_init;
GRANT SELECT ON mostread.placement_log TO mostread_init;
GRANT SELECT ON mostread.canonical_id_versions TO mostread_init;
GRANT SELECT ON mostread.canonical_counters TO mostread_init;
GRANT SELECT ON mostread.aliases TO mostread_init;
GRANT SHOW DATABASES ON default.* TO mostread_init;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_init;
GRANT TABLE ENGINE ON ReplicatedReplacingMergeTree TO mostread_init;
GRANT CLUSTER ON *.* TO mostread_init;
CREATE SETTINGS PROFILE IF NOT EXISTS mostread_init
    SETTINGS max_execution_time = 600, max_memory_usage = 2000000000 MIN 1 MAX 2000000000
    TO mostread_init;

-- `mostread aggregator`.
CREATE USER IF NOT EXISTS mostread_aggregator IDENTIFIED WITH sha256_hash BY {aggregator:String};
GRANT SELECT ON mostread.schema_migrations TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.counter_versions TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.checkpoint_versions TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.visitor_sketches TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.skipped_ranges TO mostread_aggregator;
GRANT SELECT ON mostread.exclusions TO mostread_aggregator;
GRANT INSERT ON mostread.article_versions TO mostread_aggregator;
GRANT INSERT ON mostread.placement_versions TO mostread_aggregator;
GRANT INSERT ON mostread.placement_log TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.alias_versions TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.canonical_id_versions TO mostread_aggregator;
-- Forgets.
GRANT INSERT ON mostread.forgets TO mostread_aggregator;
GRANT ALTER DELETE ON mostread.counter_versions TO mostread_aggregator;
GRANT ALTER DELETE ON mostread.visitor_sketches TO mostread_aggregator;
GRANT ALTER DELETE ON mostread.article_versions TO mostread_aggregator;
GRANT ALTER DELETE ON mostread.placement_versions TO mostread_aggregator;
GRANT ALTER DELETE ON mostread.placement_log TO mostread_aggregator;
-- For the metrics of the disk.
GRANT SELECT ON system.disks TO mostread_aggregator;
CREATE SETTINGS PROFILE IF NOT EXISTS mostread_aggregator
    SETTINGS max_execution_time = 60, max_memory_usage = 4000000000 MIN 1 MAX 8000000000,
        max_threads = 4 MIN 1 MAX 16
    TO mostread_aggregator;

-- `mostread ranking`.
CREATE USER IF NOT EXISTS mostread_ranking IDENTIFIED WITH sha256_hash BY {ranking:String};
GRANT SELECT ON mostread.* TO mostread_ranking;
CREATE SETTINGS PROFILE IF NOT EXISTS mostread_ranking
    SETTINGS max_execution_time = 60, max_memory_usage = 4000000000 MIN 1 MAX 8000000000,
        max_threads = 4 MIN 1 MAX 16
    TO mostread_ranking;

-- Analysts: the views alone (docs/how-to/analysis.md), with limits, so that a query does not take
-- what counting and lists need. A client may lower the limits, and raise them up to MAX.
CREATE SETTINGS PROFILE IF NOT EXISTS mostread_analyst SETTINGS
    readonly = 2,
    max_execution_time = 60 MIN 1 MAX 600,
    max_memory_usage = 2000000000 MIN 1 MAX 4000000000,
    max_memory_usage_for_user = 4000000000 CONST,
    max_threads = 2 MIN 1 MAX 4,
    max_concurrent_queries_for_user = 4 CONST;
CREATE USER IF NOT EXISTS mostread_analyst IDENTIFIED WITH sha256_hash BY {analyst:String} SETTINGS PROFILE mostread_analyst;
GRANT SELECT ON mostread.totals TO mostread_analyst;
GRANT SELECT ON mostread.hours TO mostread_analyst;
GRANT SELECT ON mostread.days TO mostread_analyst;
GRANT SELECT ON mostread.minutes TO mostread_analyst;
GRANT SELECT ON mostread.articles TO mostread_analyst;
GRANT SELECT ON mostread.aliases TO mostread_analyst;
GRANT SELECT ON mostread.decisions TO mostread_analyst;
GRANT SELECT ON mostread.freshness TO mostread_analyst;

-- `mostread audit`, `backup`, `doctor`, `export`, `forget`, `status`, `rebuild`, `restore`,
-- `exclude`, `skip`, `import-totals` and `import-logs`; the first six need only SELECT. On a
-- cluster the last three rights are needed too.
CREATE USER IF NOT EXISTS mostread_operator IDENTIFIED WITH sha256_hash BY {operator:String};
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON mostread.* TO mostread_operator;
GRANT SELECT ON system.disks TO mostread_operator;
GRANT SELECT ON system.replicas TO mostread_operator;
GRANT ALTER DELETE ON mostread.counter_versions TO mostread_operator;
GRANT ALTER DELETE ON mostread.visitor_sketches TO mostread_operator;
GRANT ALTER CONSTRAINT, ALTER MODIFY COLUMN ON mostread.counter_versions TO mostread_operator;
GRANT ALTER CONSTRAINT, ALTER MODIFY COLUMN ON mostread.checkpoint_versions TO mostread_operator;
GRANT CREATE DATABASE, DROP DATABASE ON mostread_rebuild.* TO mostread_operator;
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE, ALTER TABLE ON mostread_rebuild.* TO mostread_operator;
GRANT SHOW DATABASES ON default.* TO mostread_operator;
GRANT CREATE DATABASE, DROP DATABASE ON mostread_verify.* TO mostread_operator;
GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, ALTER TABLE ON mostread_verify.* TO mostread_operator;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_operator;
GRANT TABLE ENGINE ON ReplicatedReplacingMergeTree TO mostread_operator;
GRANT SYSTEM SYNC REPLICA ON mostread.* TO mostread_operator;
GRANT CLUSTER ON *.* TO mostread_operator;
CREATE SETTINGS PROFILE IF NOT EXISTS mostread_operator
    SETTINGS max_execution_time = 3600, max_memory_usage = 8000000000 MIN 1 MAX 16000000000,
        max_threads = 8 MIN 1 MAX 32
    TO mostread_operator;
