SELECT * FROM totals
WHERE {site:String} = '' OR site = {site:String}
ORDER BY site, article_id
SETTINGS output_format_json_quote_64bit_integers = 0
