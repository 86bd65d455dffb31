SELECT * FROM articles
WHERE {site:String} = '' OR site = {site:String}
ORDER BY site, article_id
SETTINGS date_time_output_format = 'iso'
