"""The aggregator: from the log, by Faust, into counters in ClickHouse."""
