"""The aggregator: counts the events of the log into ClickHouse."""
