"""`mostread export`: views of ClickHouse and events of Kafka as files."""
