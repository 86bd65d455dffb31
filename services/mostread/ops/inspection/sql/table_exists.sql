-- Nothing, or an error that says whether the table is missing or may not be seen.
SELECT 1 FROM {table:Identifier} LIMIT 0
