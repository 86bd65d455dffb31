"""Garbage collection at an interval."""

import asyncio
import contextlib
import gc
import weakref

from mostread.infra.gc import collect_periodically


class Ring:
    """An object with a reference to itself, which only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


async def test_collect_periodically_collects_only_at_its_interval() -> None:
    hourly = await _start(3600)
    lost = weakref.ref(Ring())
    many = [[] for _ in range(100_000)]  # type: ignore[var-annotated]
    assert lost() is not None, f"collected while {len(many)} lists were made"
    await _stop(hourly)
    frequent = await _start(0.001)
    lost = weakref.ref(Ring())
    freed = asyncio.Event()
    weakref.finalize(lost(), freed.set)
    await asyncio.wait_for(freed.wait(), 60)
    await _stop(frequent)
    assert gc.isenabled()


async def _start(seconds: float) -> asyncio.Task[None]:
    task = asyncio.create_task(collect_periodically(seconds))
    await asyncio.sleep(0)
    return task


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
