-- Deletes nothing: ClickHouse completes deletions in their order, so those that workers have left
-- to it are complete when this one is.
DELETE FROM {old:Identifier}.counter_versions WHERE site = ''
