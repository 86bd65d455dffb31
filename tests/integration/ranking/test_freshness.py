"""Freshness of lists: `as_of` and `stale`."""

from datetime import datetime

import pytest

from tests.support.ranking import FIRST, SECOND, Counted, Site, ago


async def freshness(site: Site) -> tuple[datetime | None, bool]:
    answer = await site.most_read()
    as_of = answer["as_of"]
    return datetime.fromisoformat(as_of) if as_of else None, answer["stale"]


async def test_as_of_is_null_before_counting(site: Site) -> None:
    assert await freshness(site) == (None, True)


async def test_as_of_is_that_of_slowest_partition(site: Site, counted: Counted) -> None:
    counted.progress(ago(seconds=9), 0, 2, FIRST)
    counted.progress(ago(seconds=3), 0, 2, FIRST)
    counted.progress(ago(seconds=5), 1, 2, FIRST)
    assert await freshness(site) == (ago(seconds=5), False)


async def test_as_of_is_null_without_checkpoint_of_a_partition(
    site: Site, counted: Counted
) -> None:
    counted.progress(ago(seconds=3), 0, 2, FIRST)
    assert await freshness(site) == (None, True)


async def test_as_of_waits_for_added_partition(site: Site, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 1, 2, FIRST)
    counted.progress(ago(seconds=3), 0, 3, FIRST)
    assert await freshness(site) == (None, True)
    counted.progress(ago(seconds=4), 2, 3, FIRST)


async def test_as_of_follows_recreated_topic(site: Site, counted: Counted) -> None:
    counted.progress(ago(hours=5), 0, 2, FIRST)
    counted.progress(ago(hours=5), 1, 2, FIRST)
    counted.progress(ago(seconds=2), 0, 1, SECOND)
    assert await freshness(site) == (ago(seconds=2), False)


async def test_as_of_follows_recreated_topic_whose_predecessor_is_ahead(
    site: Site, counted: Counted
) -> None:
    counted.progress(ago(hours=-9000), 0, 1, FIRST)
    counted.progress(ago(seconds=2), 0, 1, SECOND)
    assert await freshness(site) == (ago(seconds=2), False)


async def test_as_of_follows_a_clock_that_is_set_back(site: Site, counted: Counted) -> None:
    counted.progress(ago(hours=-1), 0, 1, FIRST)
    counted.progress(ago(seconds=60), 0, 1, FIRST)
    assert await freshness(site) == (ago(seconds=60), True)


@pytest.mark.parametrize(("seconds", "stale"), [(15, False), (16, True)])
async def test_list_is_stale_when_counting_is_behind(
    site: Site, counted: Counted, seconds: int, stale: bool
) -> None:
    counted.progress(ago(seconds=seconds), 0, 1, FIRST)
    assert await freshness(site) == (ago(seconds=seconds), stale)
