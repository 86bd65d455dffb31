-- Events by minute.
SELECT sum(views + comments + likes)
FROM counter_versions FINAL
WHERE grain = 'minute'
GROUP BY window
ORDER BY window
