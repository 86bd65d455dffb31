-- The version of a site's latest decision, 0 without any.
SELECT max(version) AS version FROM placement_versions WHERE site = {site:String}
SETTINGS output_format_json_quote_64bit_integers = 0
