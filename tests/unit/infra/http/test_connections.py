"""The limit of open files."""

import resource
from collections.abc import Iterator

import pytest

from mostread.infra.http.connections import raise_nofile_limit


@pytest.fixture
def hard() -> Iterator[int]:
    """The hard limit; the soft limit is half of it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_limit_rises_to_wanted_value(hard: int) -> None:
    assert raise_nofile_limit(hard - 1) == hard - 1 == soft()


def test_limit_stops_at_hard_limit(hard: int) -> None:
    assert raise_nofile_limit(hard + 1) == hard == soft()


def test_limit_above_wanted_value_is_unchanged(hard: int) -> None:
    assert raise_nofile_limit(10) == 10
    assert soft() == hard // 2
