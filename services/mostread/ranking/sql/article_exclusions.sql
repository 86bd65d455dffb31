-- Additions and removals of exclusions of one article or of its whole site, under any of their
-- names, newest first. They do not name visitors: editors may not learn them.
SELECT
    id, toString(action) AS action, toBool(article_id = '') AS whole_site,
    toBool(visitor != '') AS one_visitor,
    toUnixTimestamp(starts_at) * 1000 AS start, toUnixTimestamp(ends_at) * 1000 AS end, by, reason,
    toUnixTimestamp64Milli(recorded_at) AS recorded_at,
    toUnixTimestamp64Milli(applied_at) AS applied_at
FROM exclusions FINAL
WHERE %(in_site)s AND article_id IN %(articles)s
ORDER BY recorded_at DESC, id, action
LIMIT 100
SETTINGS output_format_json_quote_64bit_integers = 0
