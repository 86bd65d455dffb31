-- The hours, weeks or totals of minutes, or the weeks or totals of hours.
INSERT INTO counter_versions (site, grain, window, article_id, topic_id, partition, views, comments,
    likes, version)
SELECT site, {grain:String},
    multiIf({grain:String} = 'hour', toStartOfHour(window),
        {grain:String} = 'week', toDateTime(toMonday(window), 'UTC'), toDateTime(0, 'UTC')) AS start,
    article_id, any(topic_id), 0, sum(views), sum(comments), sum(likes), max(version)
FROM counter_versions WHERE grain = {from:String} GROUP BY site, start, article_id
