-- A day of articles that are read in every minute, in one partition.
INSERT INTO counter_versions (site, grain, window, article_id, topic_id, partition, views, comments,
    likes, version)
WITH {articles:UInt32} AS articles, toStartOfMinute(now('UTC')) AS now,
    toUInt32(number) AS n, intDiv(n, articles) AS minute
SELECT 'default', 'minute', now - INTERVAL minute MINUTE, concat('article-', toString(n % articles)),
    '11111111-1111-4111-8111-111111111111', 0, 1 + n % 7, n % 2, n % 3, n
FROM numbers({rows:UInt64})
