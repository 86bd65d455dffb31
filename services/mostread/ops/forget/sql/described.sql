-- Articles of a site with a record in the articles topic.
SELECT article_id FROM article_versions
WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
UNION DISTINCT
SELECT article_id FROM placement_log
WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '')
UNION DISTINCT
SELECT article_id FROM alias_versions
WHERE site = {site:String} AND (article_id = {article:String} OR {article:String} = '') AND article_id != ''
ORDER BY article_id
