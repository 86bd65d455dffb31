-- Forgets of a topic that were counted.
SELECT DISTINCT partition, offset, site, article_id
FROM {old:Identifier}.forgets
WHERE topic_id = {topic:UUID}
