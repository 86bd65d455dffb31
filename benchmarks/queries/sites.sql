-- Minute counters of today and yesterday, spread over sites and eight partitions.
INSERT INTO counter_versions (site, grain, window, article_id, topic_id, partition, views, comments,
    likes, version)
WITH toUInt32(number) AS n
SELECT concat('site-', toString(n % {sites:UInt32})), 'minute',
    {minute:DateTime('UTC')} - INTERVAL n % 1440 MINUTE, concat('article-', toString(n)), {topic:UUID},
    n % 8, 1, 0, 0, n
FROM numbers({rows:UInt64})
