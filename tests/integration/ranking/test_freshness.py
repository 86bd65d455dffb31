"""Up to when everything is counted, and what is said where that is not known."""

from datetime import datetime

import pytest

from tests.support.ranking import FIRST, SECOND, Counted, Site, ago


async def told(site: Site) -> tuple[datetime | None, bool]:
    answer = await site.most_read()
    as_of = answer["as_of"]
    return datetime.fromisoformat(as_of) if as_of else None, answer["stale"]


async def test_nothing_is_known_before_anything_is_counted(site: Site) -> None:
    assert await told(site) == (None, True)


async def test_the_slowest_partition_tells(site: Site, counted: Counted) -> None:
    counted.progress(ago(seconds=9), 0, 2, FIRST)
    counted.progress(ago(seconds=3), 0, 2, FIRST)
    counted.progress(ago(seconds=5), 1, 2, FIRST)
    assert await told(site) == (ago(seconds=5), False)


async def test_a_partition_that_has_said_nothing_leaves_it_unknown(
    site: Site, counted: Counted
) -> None:
    counted.progress(ago(seconds=3), 0, 2, FIRST)
    assert await told(site) == (None, True)


async def test_a_partition_that_was_added_is_waited_for(site: Site, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 1, 2, FIRST)
    counted.progress(ago(seconds=3), 0, 3, FIRST)
    assert await told(site) == (None, True)
    counted.progress(ago(seconds=4), 2, 3, FIRST)


async def test_a_topic_that_was_made_again_replaces_the_old_one(
    site: Site, counted: Counted
) -> None:
    counted.progress(ago(hours=5), 0, 2, FIRST)
    counted.progress(ago(hours=5), 1, 2, FIRST)
    counted.progress(ago(seconds=2), 0, 1, SECOND)
    assert await told(site) == (ago(seconds=2), False)


@pytest.mark.parametrize(("seconds", "stale"), [(15, False), (16, True)])
async def test_counting_that_is_behind_makes_a_list_stale(
    site: Site, counted: Counted, seconds: int, stale: bool
) -> None:
    counted.progress(ago(seconds=seconds), 0, 1, FIRST)
    assert await told(site) == (ago(seconds=seconds), stale)
