-- Data stored about a site or an article, numbers of imports included. Rows of zeros are left from
-- an earlier forget.
SELECT
    articles, all_views, all_comments, all_likes,
    if(hours > 0, toUnixTimestamp(first_hour), NULL) AS first_hour, if(hours > 0, toUnixTimestamp(last_hour), NULL) AS last_hour,
    descriptions, decisions
FROM
(
    SELECT uniqExact(article_id) AS articles, sum(views) AS all_views, sum(comments) AS all_comments, sum(likes) AS all_likes
    FROM counter_versions FINAL
    WHERE site = {site:String} AND grain = 'total' AND (article_id = {article:String} OR {article:String} = '')
      AND (views != 0 OR comments != 0 OR likes != 0)
) AS totals,
(
    SELECT count() AS hours, min(window) AS first_hour, max(window) AS last_hour
    FROM counter_versions FINAL
    WHERE site = {site:String} AND grain = 'hour' AND (article_id = {article:String} OR {article:String} = '')
      AND (views != 0 OR comments != 0 OR likes != 0)
) AS hourly,
(
    SELECT uniqExact(article_id) AS descriptions
    FROM article_versions
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
) AS described,
(
    SELECT uniqExact(article_id, version) AS decisions
    FROM placement_log
    WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '') AND by != ''
) AS decided
