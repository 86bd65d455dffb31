SELECT DISTINCT version, name FROM schema_migrations
