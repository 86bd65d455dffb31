-- What each service may do in ClickHouse, and nothing else; the collector speaks to no ClickHouse.
-- Run by who may create users, when `mostread init` has made the database or before, and again
-- with each new version. Users are made here, with the SHA-256 of their passwords as parameters:
--
--   clickhouse-client --queries-file deploy/clickhouse/grants.sql \
--     --param_init=... --param_aggregator=... --param_ranking=... --param_operator=...
--
-- Where MOSTREAD_CLICKHOUSE_DATABASE is another, put it in the place of `mostread` before a dot.

CREATE ROLE IF NOT EXISTS mostread_init;
GRANT CREATE DATABASE, CREATE TABLE, ALTER TABLE, SHOW COLUMNS ON mostread.* TO mostread_init;
GRANT SELECT, INSERT ON mostread.schema_migrations TO mostread_init;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_init;

CREATE ROLE IF NOT EXISTS mostread_aggregator;
GRANT SELECT, INSERT ON mostread.counters TO mostread_aggregator;
GRANT SELECT, INSERT ON mostread.progress TO mostread_aggregator;
GRANT INSERT ON mostread.articles TO mostread_aggregator;
GRANT INSERT ON mostread.placements TO mostread_aggregator;
GRANT INSERT ON mostread.placement_log TO mostread_aggregator;

CREATE ROLE IF NOT EXISTS mostread_ranking;
GRANT SELECT ON mostread.* TO mostread_ranking;

-- For `mostread audit`, `rebuild`, `import` and `replay`.
CREATE ROLE IF NOT EXISTS mostread_operator;
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON mostread.* TO mostread_operator;
GRANT ALTER DELETE ON mostread.counters TO mostread_operator;
GRANT CREATE DATABASE, DROP DATABASE ON mostread_rebuild.* TO mostread_operator;
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE, ALTER TABLE ON mostread_rebuild.* TO mostread_operator;
GRANT TABLE ENGINE ON ReplacingMergeTree TO mostread_operator;

CREATE USER IF NOT EXISTS mostread_init IDENTIFIED WITH sha256_hash BY {init:String} DEFAULT ROLE mostread_init;
GRANT mostread_init TO mostread_init;
