"""The counting rules: pure code that knows no Kafka, no HTTP, no database and no clock."""
