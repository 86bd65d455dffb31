-- The metadata of the articles of a year.
INSERT INTO article_versions (site, article_id, title, url, section, published_at, version)
SELECT 'default', concat('article-', toString(number)), concat('Title ', toString(number)),
    concat('https://news.example/', toString(number)), concat('section-', toString(number % 20)),
    now() - toIntervalHour(cityHash64(number) % 9600), 1
FROM numbers({articles:UInt64})
