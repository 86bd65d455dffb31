"""Run the demo: load the articles, check the list, then simulate readers."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from mostread.devstack.demo import output, scenario
from mostread.devstack.demo.api import DemoApi
from mostread.devstack.demo.check import differences, expected
from mostread.devstack.demo.load import counted_until, load
from mostread.devstack.demo.scenario import SITE, DemoArticle, DemoArticles, DemoCounts
from mostread.devstack.ports import Ports
from mostread.errors import MostreadError
from mostread.infra import clock
from mostread.ops.loadgen.traffic import SimulatedTraffic, paced

READERS_PER_SECOND = 2.0


async def run_demo(
    ports: Ports, data: Path, token: str, report: Callable[[str], None], *, traffic: bool
) -> None:
    """Load, check and report; then simulate readers until cancelled, if `traffic`.

    Raises MostreadError where the list differs from what is expected.
    """
    articles = scenario.load_articles()
    async with aiohttp.ClientSession() as session:
        api = DemoApi(session, ports)
        at_ms = await load(api, articles, token, report)
        await _check(api, articles, at_ms, report)
        for line in output.next_steps(ports, data, articles.further[0], traffic=traffic):
            report(line)
        if traffic:
            await _simulate(api, articles.further)


async def _check(
    api: DemoApi, articles: DemoArticles, at_ms: int, report: Callable[[str], None]
) -> None:
    """Print the list and confirm it. Raises MostreadError with the differences."""
    report("Waiting until the events are counted ...")
    counted = articles.counted
    ranked = await counted_until(api, clock.now_ms())
    listed: dict[str, DemoCounts] = {item.article_id: item.total for item in ranked.items}
    totals = {
        article.article_id: listed.get(article.article_id) or (await api.article(article)).total
        for article in counted
    }
    in_window = expected(scenario.events(counted, at_ms), ranked)
    report("\n" + "\n".join(output.table(counted, ranked, totals)) + "\n")
    errors = list(differences(counted, ranked, in_window, totals))
    if errors:
        raise MostreadError(
            "the list is not as expected:\n  "
            + "\n  ".join(errors)
            + "\nIf you sent events for these articles yourself, that is why: start with another "
            "directory (--data), or continue with `mostread up`."
        )
    report(output.summary(counted, in_window, clock.now_ms() - at_ms) + "\n")


async def _simulate(api: DemoApi, articles: list[DemoArticle]) -> None:
    traffic = SimulatedTraffic([article.article_id for article in articles], site=SITE)
    async for batch in paced(traffic, READERS_PER_SECOND):
        await api.sender.send(batch)


class BackgroundTask:
    """Runs a coroutine in a thread while the `with` block lasts, then cancels it."""

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
        """Raise the exception that ended the coroutine, if any."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            try:
                self._loop.run_until_complete(self._task)
            except Exception as error:
                self._error = error
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
