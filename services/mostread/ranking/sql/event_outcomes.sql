-- Events by outcome, over all topics ever counted.
SELECT
    sum(received) AS received,
    sum(counted) AS counted,
    sum(duplicate) AS duplicate,
    sum(late) AS late,
    sum(dead_lettered) AS dead_lettered,
    sum(excluded) AS excluded
FROM checkpoint_versions FINAL
SETTINGS output_format_json_quote_64bit_integers = 0
