-- Editors' decisions about one article, newest first.
SELECT
    version, toUnixTimestamp64Milli(decided_at) AS decided_at, by, reason, undoes, hidden, pinned,
    pinned_sections, pinned_languages, pinned_windows,
    toUnixTimestamp64Milli(embargo_until) AS embargo_until,
    toUnixTimestamp64Milli(expires_at) AS expires_at,
    approved, toUnixTimestamp64Milli(until) AS until
FROM placement_log FINAL
WHERE %(in_site)s AND article_id = %(article)s AND version < %(before)s
ORDER BY version DESC
LIMIT %(rows)s
SETTINGS output_format_json_quote_64bit_integers = 0
