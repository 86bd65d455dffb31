-- A number that changes with whatever decides which articles lists contain, and at which ranks:
-- decisions in force, and the metadata that hides, pins, filters and orders.
WITH fromUnixTimestamp64Milli(toInt64(%(at)s)) AS ranked_at
SELECT
(
    SELECT sum(cityHash64(
        article_id, version,
        ifNull(until <= ranked_at, false), ifNull(embargo_until <= ranked_at, false), ifNull(expires_at <= ranked_at, false)))
    FROM placement_versions FINAL
    WHERE %(in_site)s
) + (
    SELECT sum(cityHash64(
        article_id, hidden, ifNull(toInt32(pinned), -1), deleted, section, language, authors, tags,
        ifNull(toUnixTimestamp64Milli(published_at), 0), ifNull(published_at > fromUnixTimestamp64Milli(toInt64(%(latest)s)), false)))
    FROM article_versions FINAL
    WHERE %(in_site)s
) AS state
SETTINGS output_format_json_quote_64bit_integers = 0
