"""The views for analysts, whose rows may be added up."""

from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from mostread.core.editorial.placements import standing
from mostread.core.events import CANARY_SITE
from tests.support.ranking import FIRST, NOW, SECOND, Counted, ago


def rows(counted: Counted, sql: str) -> list[tuple[Any, ...]]:
    return list(map(tuple, counted.client.query(sql, {"site": counted.site}).result_rows))


@pytest.fixture
def read(counted: Counted) -> Counted:
    """Counts in two topics and partitions, a late one, and one that was taken back."""
    counted.event("a", ago(minutes=5), views=2, likes=1)
    counted.event("a", ago(minutes=5), views=3, partition=1)
    counted.event("a", ago(hours=20), views=4, topic=SECOND)
    counted.event("b", ago(minutes=5), comments=1)
    counted.event("b", None, views=7)
    counted.event("back", ago(minutes=5), likes=1)
    counted.event("back", ago(minutes=5), likes=-1)
    counted.write()
    return counted


@pytest.mark.parametrize(
    ("view", "time", "expected"),
    [
        ("totals", "''", [("a", "", 9, 0, 1), ("b", "", 7, 1, 0)]),
        (
            "minutes",
            "toString(minute)",
            [
                ("a", "2026-11-22 18:03:00", 4, 0, 0),
                ("a", "2026-11-23 13:58:00", 5, 0, 1),
                ("b", "2026-11-23 13:58:00", 0, 1, 0),
            ],
        ),
        (
            "hours",
            "toString(hour)",
            [
                ("a", "2026-11-22 18:00:00", 4, 0, 0),
                ("a", "2026-11-23 13:00:00", 5, 0, 1),
                ("b", "2026-11-23 13:00:00", 0, 1, 0),
            ],
        ),
        (
            "days",
            "toString(day)",
            [
                ("a", "2026-11-22", 4, 0, 0),
                ("a", "2026-11-23", 5, 0, 1),
                ("b", "2026-11-23", 0, 1, 0),
            ],
        ),
    ],
    ids=["totals", "minutes", "hours", "days"],
)
def test_view_has_one_row_per_thing(
    read: Counted, view: str, time: str, expected: list[object]
) -> None:
    columns = f"article_id, {time}, views, comments, likes"
    result = rows(read, f"SELECT {columns} FROM {view} WHERE site = {{site:String}} ORDER BY ALL")
    assert result == expected


def test_views_exclude_canary(read: Counted) -> None:
    canary = Counted(read.client, CANARY_SITE)
    canary.event("a", ago(minutes=5), views=1)
    canary.write()
    for view in ("totals", "hours", "days", "minutes"):
        assert rows(read, f"SELECT count() FROM {view} WHERE site = '{CANARY_SITE}'") == [(0,)]


def test_sections_add_up_to_totals(read: Counted) -> None:
    read.article("a", section="sport")
    read.article("a", section="news", version=2)
    read.article("unread", section="news")
    sections = rows(
        read,
        "SELECT section, sum(views) FROM totals LEFT JOIN articles USING (site, article_id)"
        " WHERE site = {site:String} GROUP BY section ORDER BY section",
    )
    assert sections == [("", 7), ("news", 9)]


def test_articles_have_their_standing(counted: Counted) -> None:
    """Every description with every decision, by the rule in Python."""
    now = datetime.now(UTC).replace(microsecond=0)
    ahead, before = now + timedelta(hours=1), now - timedelta(hours=1)
    described: list[dict[str, Any] | None] = [
        None,
        {},
        {"hidden": True},
        {"pinned": 2},
        {"deleted": True},
        {"published_at": ahead},
        {"published_at": now + timedelta(seconds=30)},
        {"published_at": before},
    ]
    decided: list[dict[str, Any] | None] = [
        None,
        {},
        {"hidden": True},
        {"hidden": False, "pinned": 0},
        {"hidden": True, "pinned": 1, "until": before},
        {"hidden": True, "pinned": 1, "until": ahead},
        {"embargo_until": ahead, "until": before},
        {"embargo_until": before},
        {"expires_at": before},
        {"expires_at": ahead, "pinned": 4},
    ]
    cases = {f"{n:02}": each for n, each in enumerate(product(described, decided))}
    usual = {"hidden": False, "pinned": None, "deleted": False, "published_at": None}
    counted.client.insert(
        "article_versions",
        [
            [counted.site, name, "T", 1, *({**usual, **cms}.values())]
            for name, (cms, _) in cases.items()
            if cms is not None
        ],
        column_names=["site", "article_id", "title", "version", *usual],
    )
    counted.decisions({name: each for name, (_, each) in cases.items() if each is not None})
    result = rows(
        counted,
        "SELECT article_id, described, withheld, pinned FROM articles"
        " WHERE site = {site:String} ORDER BY article_id",
    )
    expected = []
    for name, (cms, decision) in cases.items():
        if cms is None and decision is None:
            continue
        article = _in_ms({**usual, **cms}) if cms is not None else None
        fields = ("hidden", "pinned", "embargo_until", "expires_at", "approved", "until")
        placement = _in_ms({**dict.fromkeys(fields), **decision}) if decision is not None else None
        withheld, pinned = standing(article, placement, int(now.timestamp() * 1000))
        known = article is not None and not article.deleted
        expected.append((name, known, withheld or "", pinned))
    assert result == expected


def _in_ms(values: dict[str, Any]) -> Any:
    """Return values as attributes, times in milliseconds."""
    return SimpleNamespace(
        **{
            name: int(value.timestamp() * 1000) if isinstance(value, datetime) else value
            for name, value in values.items()
        }
    )


def test_decisions_have_one_row_each_and_mark_current_ones(counted: Counted) -> None:
    counted.decision("a", version=1, pinned=1)
    counted.decision("a", version=1, pinned=1)  # read again
    counted.decision("a", version=2, hidden=True, reason="wrong", undoes=1)
    counted.decision("b", version=1, embargo_until=NOW)
    result = rows(
        counted,
        "SELECT article_id, decision_id, current, hidden, pinned, by, reason, undoes FROM decisions"
        " WHERE site = {site:String} ORDER BY article_id, decision_id",
    )
    assert result == [
        ("a", 1, False, None, 1, "editor", "", None),
        ("a", 2, True, True, None, "editor", "wrong", 1),
        ("b", 1, True, None, None, "editor", "", None),
    ]


def test_every_column_of_views_is_explained(counted: Counted) -> None:
    ((views, columns, silent),) = rows(
        counted,
        "SELECT uniqExact(table), count(), groupArrayIf((table, name), comment = '')"
        " FROM system.columns WHERE database = currentDatabase()"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine = 'View' AND comment != '')",
    )
    assert (views, silent) == (8, [])
    assert columns > 40


def test_freshness_is_that_of_slowest_partition(counted: Counted) -> None:
    as_of = "SELECT toString(as_of) FROM freshness"
    assert rows(counted, as_of) == [(None,)]
    counted.progress(ago(seconds=2), 0, 2, FIRST)
    assert rows(counted, as_of) == [(None,)]
    counted.progress(ago(seconds=9), 1, 2, FIRST)
    assert rows(counted, as_of) == [("2026-11-23 14:02:56.000",)]


def test_former_ids_and_names_are_in_the_rows_of_the_present_ones(read: Counted) -> None:
    former = Counted(read.client, f"{read.site[-50:]}.former")
    former.event("b", ago(minutes=5), views=10)
    former.event("old", ago(minutes=5), views=20)
    former.write()
    for article_id in ("a", "b", "old"):
        read.article(article_id, title=f"Present {article_id}")
        former.article(article_id, title=f"Former {article_id}")
    former.article("other", title="Former other")
    read.aliases("a", "old", of="b")
    former.aliases("", of=read.site)
    everything = "SELECT article_id, views FROM {} WHERE site = {{site:String}} ORDER BY article_id"
    assert rows(read, everything.format("totals")) == [("b", 46)]
    assert rows(read, "SELECT sum(views) FROM hours WHERE site = {site:String}") == [(39,)]
    titles = "SELECT article_id, title FROM articles WHERE site = {site:String} ORDER BY article_id"
    assert rows(read, titles) == [("b", "Present b"), ("other", "Former other")]
    assert rows(former, "SELECT count() FROM totals WHERE site = {site:String}") == [(0,)]
    aliases = "SELECT article_id, canonical_id FROM aliases WHERE site = {site:String} ORDER BY all"
    assert rows(read, aliases) == [("a", "b"), ("old", "b")]
    assert rows(former, aliases) == [("", read.site)]
