-- Lifetime counts of articles; articles never counted, or forgotten, are absent. The driver binds the ids in the
-- request body: a hundred of them do not fit into a URL.
SELECT %(present_id)s AS present_id, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM counter_versions AS found FINAL
WHERE %(in_site)s AND grain = 'total' AND window = toDateTime(0, 'UTC') AND article_id IN %(articles)s
GROUP BY present_id
HAVING views != 0 OR comments != 0 OR likes != 0
SETTINGS output_format_json_quote_64bit_integers = 0
