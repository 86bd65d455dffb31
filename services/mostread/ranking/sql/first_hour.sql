-- The first hour of a site that has counts; without any there is no row.
SELECT toUnixTimestamp(window) AS start
FROM counter_versions
WHERE %(in_site)s AND grain = 'hour' AND (views != 0 OR comments != 0 OR likes != 0)
ORDER BY window
LIMIT 1
