-- Former ids of an article, also those with counts under a former name of its site, or the former
-- names of a site. Each has numbers of its own.
SELECT former
FROM
(
    SELECT if({article:String} = '', site, article_id) AS former
    FROM aliases
    WHERE ({article:String} = '' AND article_id = '' AND canonical_id = {site:String})
       OR ({article:String} != '' AND site = {site:String} AND article_id != '' AND canonical_id = {article:String})
    UNION DISTINCT
    SELECT concat(article_id, ' of the site ', site) AS former
    FROM counter_versions FINAL
    WHERE grain = 'total' AND {article:String} != '' AND (views != 0 OR comments != 0 OR likes != 0)
      AND site IN (SELECT site FROM aliases WHERE article_id = '' AND canonical_id = {site:String})
      AND (article_id = {article:String}
        OR article_id IN (SELECT article_id FROM aliases WHERE site = {site:String} AND article_id != '' AND canonical_id = {article:String}))
)
ORDER BY former
