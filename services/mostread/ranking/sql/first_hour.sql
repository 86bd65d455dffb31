-- The first hour of a site that has counts; without any there is no row.
SELECT toUnixTimestamp(window) AS start
FROM counter_versions
WHERE site = {site:String} AND grain = 'hour'
ORDER BY window
LIMIT 1
