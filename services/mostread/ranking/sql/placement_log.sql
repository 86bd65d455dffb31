-- Editors' decisions about one article, newest first.
SELECT
    version, toUnixTimestamp64Milli(decided_at) AS decided_at, by, reason, undoes, hidden, pinned,
    pinned_sections, pinned_languages, pinned_windows,
    toUnixTimestamp64Milli(embargo_until) AS embargo_until,
    toUnixTimestamp64Milli(expires_at) AS expires_at,
    approved, toUnixTimestamp64Milli(until) AS until
FROM placement_log FINAL
WHERE site = {site:String} AND article_id = {article:String} AND version < {before:UInt64}
ORDER BY version DESC
LIMIT {rows:UInt32}
SETTINGS output_format_json_quote_64bit_integers = 0
