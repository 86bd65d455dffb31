-- Grant each service its minimal permissions in ClickHouse; the collector needs none. Run it as an
-- administrator before the first `mostread init` and again with each version: existing users stay.
-- Pass passwords as their SHA-256 in hexadecimal:
--
--   hash() { printf %s "$(cat "$1")" | sha256sum | cut -d' ' -f1; }
--   clickhouse-client --queries-file deploy/clickhouse/grants.sql \
--     --param_init="$(hash init-password)" --param_aggregator="$(hash aggregator-password)" \
--     --param_ranking="$(hash ranking-password)" --param_operator="$(hash operator-password)"
--
-- For another MOSTREAD_CLICKHOUSE_DATABASE, replace `mostread.` and `mostread_rebuild.`.

-- `mostread init`. ReplicatedReplacingMergeTree tables ON CLUSTER also need the last two.
CREATE USER IF NOT EXISTS mostread_init IDENTIFIED WITH sha256_hash BY {init:String};
GRANT CREATE DATABASE, CREATE TABLE, ALTER TABLE, SHOW COLUMNS ON mostread.* TO mostread_init;
GRANT SELECT, INSERT ON mostread.schema_migrations TO mostread_init;
GRANT SHOW DATABASES ON default.* TO mostread_init;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_init;
GRANT TABLE ENGINE ON ReplicatedReplacingMergeTree TO mostread_init;
GRANT CLUSTER ON *.* TO mostread_init;

-- `mostread aggregator`.
CREATE USER IF NOT EXISTS mostread_aggregator IDENTIFIED WITH sha256_hash BY {aggregator:String};
GRANT SELECT ON mostread.schema_migrations TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.counter_versions TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.checkpoint_versions TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.visitor_sketches TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.skipped_ranges TO mostread_aggregator;
GRANT INSERT ON mostread.article_versions TO mostread_aggregator;
GRANT INSERT ON mostread.placement_versions TO mostread_aggregator;
GRANT INSERT ON mostread.placement_log TO mostread_aggregator;

-- `mostread ranking`.
CREATE USER IF NOT EXISTS mostread_ranking IDENTIFIED WITH sha256_hash BY {ranking:String};
GRANT SELECT ON mostread.* TO mostread_ranking;

-- `mostread audit`, `backup`, `doctor`, `status`, `rebuild`, `restore`, `skip`, `import-totals` and
-- `import-logs`; the first four need only SELECT. On a cluster the last three rights are needed too.
CREATE USER IF NOT EXISTS mostread_operator IDENTIFIED WITH sha256_hash BY {operator:String};
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON mostread.* TO mostread_operator;
GRANT SELECT ON system.disks TO mostread_operator;
GRANT SELECT ON system.replicas TO mostread_operator;
GRANT ALTER DELETE ON mostread.counter_versions TO mostread_operator;
GRANT ALTER CONSTRAINT, ALTER MODIFY COLUMN ON mostread.counter_versions TO mostread_operator;
GRANT ALTER CONSTRAINT, ALTER MODIFY COLUMN ON mostread.checkpoint_versions TO mostread_operator;
GRANT CREATE DATABASE, DROP DATABASE ON mostread_rebuild.* TO mostread_operator;
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE, ALTER TABLE ON mostread_rebuild.* TO mostread_operator;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_operator;
GRANT TABLE ENGINE ON ReplicatedReplacingMergeTree TO mostread_operator;
GRANT SYSTEM SYNC REPLICA ON mostread.* TO mostread_operator;
GRANT CLUSTER ON *.* TO mostread_operator;
