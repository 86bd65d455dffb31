-- Sites that have aliases, or have other names now. Deleted aliases may still count.
SELECT
    site, argMaxIf(canonical_id, version, article_id = '') AS renamed_to,
    countIf(article_id != '' AND canonical_id != '') AS aliases, max(version) AS latest
FROM canonical_id_versions
GROUP BY site
SETTINGS output_format_json_quote_64bit_integers = 0
