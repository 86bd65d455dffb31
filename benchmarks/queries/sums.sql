-- The hours or totals of those minutes.
INSERT INTO counters (site, grain, window, article_id, topic_id, partition, views, comments, likes,
    version)
SELECT site, {grain:String},
    if({grain:String} = 'hour', toStartOfHour(window), toDateTime(0, 'UTC')) AS start, article_id,
    any(topic_id), 0, sum(views), sum(comments), sum(likes), max(version)
FROM counters WHERE grain = 'minute' GROUP BY site, start, article_id
