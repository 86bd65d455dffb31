-- No rows, or an error that distinguishes a missing table from a missing right.
SELECT 1 FROM {table:Identifier} LIMIT 0
