-- A part of the hours of a year: articles published over 400 days, each read in most hours of its
-- first two days, and then ever less often.
INSERT INTO counter_versions (site, grain, window, article_id, topic_id, partition, views, comments,
    likes, version)
WITH toStartOfHour(now('UTC')) AS now, 9600 AS hours, number % {articles:UInt32} AS article,
    intDiv(number, {articles:UInt32}) AS slot, cityHash64(article) % hours AS age,
    cityHash64(article, slot) / pow(2, 64) AS random,
    if(slot < 48, slot, toUInt32(48 * exp(random * log(hours / 48)))) AS hour
SELECT 'default', 'hour', now - toIntervalHour(age - hour), concat('article-', toString(article)),
    '11111111-1111-4111-8111-111111111111', 0, 1 + cityHash64(slot, article) % 9, 0, 0, 1
FROM numbers({first:UInt64}, {slots:UInt64})
WHERE hour <= age AND (slot >= 48 OR random < 0.85)
