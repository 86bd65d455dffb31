"""A coroutine in a thread of its own, beside a main thread that must stay free.

The main thread starts processes and takes signals; neither can be done elsewhere.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


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
