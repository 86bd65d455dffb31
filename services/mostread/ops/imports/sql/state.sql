-- Which tables the counters are in: after `mostread rebuild` they have another number, and while
-- it runs there are some in the database beside.
SELECT database, default_expression
FROM system.columns
WHERE database IN (%(database)s, %(beside)s) AND table = 'counters' AND name = 'rebuild'
ORDER BY database
