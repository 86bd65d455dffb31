"""The limit of open files is raised as far as it may be, and no further than is wanted."""

import resource
from collections.abc import Iterator

import pytest

from mostread.infra.http.connections import raise_nofile_limit


@pytest.fixture
def hard() -> Iterator[int]:
    """The hard limit, while the soft one is half of it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_what_is_wanted_is_allowed_where_it_can_be(hard: int) -> None:
    assert raise_nofile_limit(hard - 1) == hard - 1 == soft()


def test_no_more_is_allowed_than_the_system_lets_us(hard: int) -> None:
    assert raise_nofile_limit(hard + 1) == hard == soft()


def test_what_is_allowed_already_stays(hard: int) -> None:
    assert raise_nofile_limit(10) == 10
    assert soft() == hard // 2
