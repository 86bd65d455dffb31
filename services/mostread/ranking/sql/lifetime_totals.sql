-- Lifetime counts of some articles; those never counted are absent. The ids are bound by the
-- driver, in the body: a hundred of them do not fit into an address.
SELECT article_id, sum(views) AS views, sum(comments) AS comments, sum(likes) AS likes
FROM counters FINAL
WHERE site = %(site)s AND grain = 'total' AND window = toDateTime(0, 'UTC') AND article_id IN %(articles)s
GROUP BY article_id
SETTINGS output_format_json_quote_64bit_integers = 0
