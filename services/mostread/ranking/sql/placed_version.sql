-- The version of the decision that lists reflect for one article, 0 without any.
SELECT max(version) AS version
FROM placement_versions
WHERE %(in_site)s AND article_id = %(article)s
SETTINGS output_format_json_quote_64bit_integers = 0
