-- Former ids of an article, or former names of a site; each has numbers of its own.
SELECT if({article:String} = '', site, article_id) AS former
FROM aliases
WHERE ({article:String} = '' AND article_id = '' AND canonical_id = {site:String})
   OR ({article:String} != '' AND site = {site:String} AND article_id != '' AND canonical_id = {article:String})
ORDER BY former
