"""A coroutine in a thread: cancelled at the end, and its error raised."""

import asyncio
import threading

import pytest

from mostread.devstack.demo.runner import BackgroundTask


def test_background_task_runs_until_the_block_ends() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with BackgroundTask(work()) as background:
        assert begun.wait(60)
        background.raise_error()
    assert ended.is_set()
    background.raise_error()


def test_background_task_raises_the_error_that_ended_it() -> None:
    async def work() -> None:
        raise ValueError("why")

    background = BackgroundTask(work())
    with background:
        pass
    with pytest.raises(ValueError, match="why"):
        background.raise_error()


def test_background_task_may_end_by_itself() -> None:
    async def work() -> None:
        return

    with BackgroundTask(work()) as background:
        pass
    background.raise_error()
