"""Garbage that refers to itself is found, if seldom."""

import asyncio
import contextlib
import gc
import weakref

from mostread.infra.gc import collect_periodically


class Ring:
    """Refers to itself, so that only a search frees it."""

    def __init__(self) -> None:
        self.itself = self


async def test_a_search_is_made_at_its_time_only() -> None:
    seldom = await _begin(3600)
    lost = weakref.ref(Ring())
    many = [[] for _ in range(100_000)]  # type: ignore[var-annotated]
    assert lost() is not None, f"found while {len(many)} lists were made"
    await _end(seldom)
    often = await _begin(0.001)
    lost = weakref.ref(Ring())
    freed = asyncio.Event()
    weakref.finalize(lost(), freed.set)
    await asyncio.wait_for(freed.wait(), 60)
    await _end(often)
    assert gc.isenabled()


async def _begin(seconds: float) -> asyncio.Task[None]:
    task = asyncio.create_task(collect_periodically(seconds))
    await asyncio.sleep(0)
    return task


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
