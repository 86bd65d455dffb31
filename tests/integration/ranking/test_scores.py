"""Lists by score, and their explanations."""

from typing import Any

import pytest

from tests.support.ranking import Counted, Site, ago


async def items(site: Site, **parameters: str | int) -> dict[str, dict[str, Any]]:
    listed = (await site.most_read(**parameters))["items"]
    return {item["article_id"]: item for item in listed}


async def test_half_life_halves_score_of_old_events(site: Site, counted: Counted) -> None:
    # It is 14:03; the list ends at 14:04.
    counted.event("now", ago(minutes=1), views=10)  # this hour has not ended
    counted.event("an hour ago", ago(hours=1), views=10)  # 13:03, in the hour that ended at 14:00
    counted.event("four", ago(hours=4), views=10, likes=-1)  # its hour ended 184 minutes ago
    counted.write()
    assert [item["score"] for item in (await items(site, by="score")).values()] == [10, 10, 7]
    decayed = await items(site, by="score", half_life="3h", explain=1)
    assert list(decayed) == ["now", "an hour ago", "four"]
    assert decayed["now"]["score"] == 10
    assert decayed["an hour ago"]["score"] == pytest.approx(10 * 2 ** (-4 / 180), abs=1e-5)
    assert decayed["four"]["score"] == pytest.approx(7 * 2 ** (-184 / 180), abs=1e-5)
    parts = decayed["four"]["explain"]
    assert parts["half_life_hours"] == 3
    assert parts["likes"]["weight"] == 3
    assert parts["likes"]["decayed"] == pytest.approx(-(2 ** (-184 / 180)), abs=1e-6)
    assert sum(parts[name]["points"] for name in ("views", "comments", "likes")) == pytest.approx(
        decayed["four"]["score"]
    )
    assert decayed["four"]["window"] == {"views": 10, "comments": 0, "likes": -1}


async def test_short_and_long_windows_decay_equally(site: Site, counted: Counted) -> None:
    # A one-hour list adds and subtracts minutes at the edges of full hours.
    for minutes in (58, 40, 2):
        counted.event("a", ago(minutes=minutes), views=8)
    counted.write()
    hour, day = [
        (await items(site, by="score", half_life="1h", window=window))["a"]["score"]
        for window in ("1h", "24h")
    ]
    assert hour == day


async def test_lifetime_score_does_not_decay(site: Site, counted: Counted) -> None:
    counted.event("a", ago(days=300), views=4)
    counted.write()
    assert (await items(site, by="score", window="all", half_life="1h"))["a"]["score"] == 4
