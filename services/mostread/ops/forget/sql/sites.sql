-- The sites with most views.
SELECT site FROM counter_versions FINAL WHERE grain = 'total'
GROUP BY site HAVING sum(views) > 0 ORDER BY sum(views) DESC, site LIMIT 10
