-- Articles of a site that an editor or the CMS hides or pins, and other decisions in force, the
-- latest first. `kinds` is what is in force of each; `from_cms` are those that the CMS decides. The
-- rules are those of ranked_list.sql. Without `kinds`, the rows of all of them. A search looks for
-- words in the title, the id and the name of who decided; `in_force` is the number of its results
-- of each kind, in the order of DecisionKind.
WITH
    fromUnixTimestamp64Milli(toInt64(%(at)s)) AS shown_at,
    decided AS
    (
        SELECT
            article_id, version, decided_at, by, reason, pinned_sections, pinned_languages, pinned_windows, embargo_until, expires_at,
            until IS NULL OR shown_at < until AS lasts, lasts OR ifNull(hidden, false) AS pin_lasts,
            if(lasts, hidden, NULL) AS decided_hidden, if(pin_lasts, pinned, NULL) AS decided_pinned,
            if(pin_lasts, approved, NULL) AS decided_approved, if(lasts, until, NULL) AS ends
        FROM placement_versions FINAL
        WHERE %(in_placements)s AND %(canonical)s
    ),
    metadata AS
    (
        SELECT article_id, title, url, section, language, deleted, true AS described, hidden AS cms_hidden, nullIf(pinned, 0) AS cms_pinned
        FROM article_versions FINAL
        WHERE %(in_articles)s AND %(canonical)s AND (hidden OR pinned IS NOT NULL OR article_id IN (SELECT article_id FROM decided))
    ),
    articles_in_question AS
    (
        SELECT article_id FROM decided
        UNION DISTINCT
        SELECT article_id FROM metadata
    ),
    placed AS
    (
        SELECT
            article_id, if(described, title, article_id) AS title, url, section, language, described,
            version, decided_at, by, reason, decided_hidden, decided_pinned, pinned_sections, pinned_languages, pinned_windows,
            embargo_until, expires_at, decided_approved, ends, cms_hidden, cms_pinned,
            ifNull(nullIf(coalesce(decided_pinned, cms_pinned), 0), 0) AS pin,
            arrayFilter(kind -> kind != '', [
                if(coalesce(decided_hidden, cms_hidden), 'hidden', ''),
                if(cms_hidden AND ifNull(NOT decided_hidden, false), 'listed', ''),
                if(pin > 0, 'pinned', ''),
                if(cms_pinned IS NOT NULL AND ifNull(decided_pinned = 0, false), 'unpinned', ''),
                if(ifNull(shown_at < embargo_until, false), 'embargoed', ''),
                if(ifNull(shown_at < expires_at, false), 'expiring', ''),
                if(ifNull(expires_at <= shown_at, false), 'expired', ''),
                if(ifNull(decided_approved, false), 'approved', '')
            ]) AS kinds,
            arrayFilter(kind -> kind != '', [
                if(cms_hidden AND decided_hidden IS NULL, 'hidden', ''),
                if(cms_pinned IS NOT NULL AND decided_pinned IS NULL, 'pinned', '')
            ]) AS from_cms
        FROM articles_in_question LEFT ANY JOIN metadata USING (article_id) LEFT ANY JOIN decided USING (article_id)
        WHERE NOT deleted AND notEmpty(kinds)
    )
SELECT
    article_id, title, url, section, language, described, kinds, from_cms, cms_pinned,
    version, toUnixTimestamp64Milli(decided_at) AS decided_at, by, reason,
    decided_hidden AS hidden, decided_pinned AS pinned, pinned_sections, pinned_languages, pinned_windows,
    toUnixTimestamp64Milli(embargo_until) AS embargo_until, toUnixTimestamp64Milli(expires_at) AS expires_at,
    decided_approved AS approved, toUnixTimestamp64Milli(ends) AS until, NULL AS undoes,
    [countIf(has(kinds, 'hidden')) OVER (), countIf(has(kinds, 'listed')) OVER (), countIf(has(kinds, 'pinned')) OVER (), countIf(has(kinds, 'unpinned')) OVER (),
     countIf(has(kinds, 'embargoed')) OVER (), countIf(has(kinds, 'expiring')) OVER (), countIf(has(kinds, 'expired')) OVER (), countIf(has(kinds, 'approved')) OVER ()] AS in_force
FROM placed
WHERE if(length(%(words)s) = 0, 1, arrayAll(word -> position(replaceAll(lowerUTF8(concat(title, '\n', article_id, '\n', by)), 'ё', 'е'), replaceAll(lowerUTF8(word), 'ё', 'е')) > 0, %(words)s))
QUALIFY length(%(kinds)s) = 0 OR hasAny(kinds, %(kinds)s)
ORDER BY version DESC, pin ASC, title ASC, article_id ASC
LIMIT %(rows)s OFFSET %(skip)s
SETTINGS join_use_nulls = 0, output_format_json_quote_64bit_integers = 0
