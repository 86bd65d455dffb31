SELECT * FROM hours
WHERE ({site:String} = '' OR site = {site:String})
  AND hour >= toDateTime({start:UInt32}, 'UTC') AND hour < toDateTime({end:UInt32}, 'UTC')
ORDER BY hour, site, article_id
SETTINGS output_format_json_quote_64bit_integers = 0, date_time_output_format = 'iso'
