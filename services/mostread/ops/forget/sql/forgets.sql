-- Forgets that were counted, oldest first, with the number of partitions of each.
SELECT
    toUnixTimestamp64Milli(min(recorded_at)) AS began_at, site, article_id, any(forgotten_by) AS forgotten_by,
    uniqExact(topic_id, partition) AS partitions
FROM forgets
WHERE (site = {site:String} OR {site:String} = '') AND (article_id = {article:String} OR {article:String} = '')
GROUP BY site, article_id, if(forget_id = '', toString(recorded_at), forget_id)
ORDER BY began_at, site, article_id
