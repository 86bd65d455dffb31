-- CMS metadata of articles, of deleted ones only that they are. The driver binds the ids in the request body: a hundred of them do
-- not fit into a URL.
SELECT
    article_id, title, url, section, language, image, authors, tags, hidden, pinned,
    toUnixTimestamp64Milli(published_at) AS published_at, deleted
FROM article_versions FINAL
WHERE %(in_articles)s AND article_id IN %(articles)s
SETTINGS output_format_json_quote_64bit_integers = 0
