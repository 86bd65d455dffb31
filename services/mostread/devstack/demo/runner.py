"""Load the demo articles, check the list, then simulate readers."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from mostread.devstack.demo import output as telling
from mostread.devstack.demo import scenario as plan
from mostread.devstack.demo.api import Site
from mostread.devstack.demo.check import differences, expected
from mostread.devstack.demo.load import counted_until, load
from mostread.devstack.demo.scenario import SITE, Article, Articles, Counts, articles
from mostread.devstack.ports import Ports
from mostread.errors import MostreadError
from mostread.infra import clock
from mostread.ops.loadgen.traffic import SimulatedTraffic, paced

READERS_A_SECOND = 2.0


async def show(
    ports: Ports, data: Path, token: str, report: Callable[[str], None], *, readers: bool
) -> None:
    """Load, check, tell; then read until cancelled, where there are to be readers."""
    all_of_them = articles()
    async with aiohttp.ClientSession() as session:
        site = Site(session, ports)
        at_ms = await load(site, all_of_them, token, report)
        await _check(site, all_of_them, at_ms, report)
        for line in telling.farewell(ports, data, all_of_them.further[0], readers=readers):
            report(line)
        if readers:
            await _read(site, all_of_them.further)


async def _check(
    site: Site, all_of_them: Articles, at_ms: int, report: Callable[[str], None]
) -> None:
    """Print the list and say that it is right. Raises MostreadError, saying what is not."""
    report("Waiting until they are counted ...")
    counted = all_of_them.counted
    listed = await counted_until(site, clock.now_ms())
    totals: dict[str, Counts] = {item.article_id: item.total for item in listed.items}
    totals = {
        article.article_id: totals.get(article.article_id) or (await site.known(article)).total
        for article in counted
    }
    in_window = expected(plan.events(counted, at_ms), listed)
    report("\n" + "\n".join(telling.table(counted, listed, totals)) + "\n")
    found = list(differences(counted, listed, in_window, totals))
    if found:
        raise MostreadError(
            "the list is not as expected:\n  "
            + "\n  ".join(found)
            + "\nIf you sent events for these articles yourself, that is why: start afresh in "
            "another folder with --data, or go on with `mostread up`."
        )
    report(telling.verdict(counted, in_window, clock.now_ms() - at_ms) + "\n")


async def _read(site: Site, further: list[Article]) -> None:
    traffic = SimulatedTraffic([article.article_id for article in further], site=SITE)
    async for batch in paced(traffic, READERS_A_SECOND):
        await site.sender.send(batch)


class Background:
    """Runs `work` while the `with` block lasts; at its end, `work` is cancelled."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(work)
        self._thread = threading.Thread(target=self._run)
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self._loop.close()

    def raise_error(self) -> None:
        """Raise what ended `work` early, if anything did."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            try:
                self._loop.run_until_complete(self._task)
            except Exception as error:
                self._error = error
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
