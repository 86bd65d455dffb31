"""A coroutine beside the main thread: cancelled at the end, and its error not lost."""

import asyncio
import threading

import pytest

from mostread.devstack.demo.runner import Background


def test_it_runs_until_the_block_ends() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with Background(work()) as background:
        assert begun.wait(60)
        background.raise_error()
    assert ended.is_set()
    background.raise_error()


def test_what_ended_it_is_raised_where_it_is_asked_for() -> None:
    async def work() -> None:
        raise ValueError("why")

    background = Background(work())
    with background:
        pass
    with pytest.raises(ValueError, match="why"):
        background.raise_error()


def test_work_may_end_by_itself() -> None:
    async def work() -> None:
        return

    with Background(work()) as background:
        pass
    background.raise_error()
