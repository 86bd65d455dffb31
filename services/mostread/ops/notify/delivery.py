"""Deliver queued messages, each target in order and independently of the others."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from mostread.client.backoff import delay
from mostread.infra.logging import get_logger
from mostread.ops.notify.metrics import NotifyMetrics, Outcome
from mostread.ops.notify.state import Queued, State
from mostread.ops.notify.targets import (
    Channel,
    NotSent,
    Refused,
    Sender,
    Target,
    Unconfirmed,
)

log = get_logger(__name__)

_GAP_SECONDS = 1.0
"""Between two messages to one target; Slack accepts one per second."""


class Courier:
    """Delivers the messages of one target; `error` is that of the latest attempt."""

    def __init__(
        self,
        target: Target,
        senders: Mapping[Channel, Sender],
        state: State,
        metrics: NotifyMetrics,
        clock: Callable[[], datetime],
    ) -> None:
        self.target = target
        self.error: str | None = None
        self._sender = senders[target.channel]
        self._state = state
        self._metrics = metrics
        self._clock = clock
        self._queued = asyncio.Event()
        self._stopping = asyncio.Event()

    def discard_interrupted(self) -> None:
        """Give up the message that a crash interrupted: it may have arrived."""
        if number := self._state.remove_interrupted(self.target.key):
            log.error("message_lost", outcome=Outcome.UNCONFIRMED, target=self.target.name)
            self._metrics.finished(self.target.channel, Outcome.UNCONFIRMED, number)

    def wake(self) -> None:
        """Look for a new message."""
        self._queued.set()

    def stop(self) -> None:
        """End `run` after the message that is being sent; the others wait for the next start."""
        self._stopping.set()
        self._queued.set()

    async def run(self) -> None:
        """Deliver messages until `stop`."""
        attempts = 0
        while not self._stopping.is_set():
            self._queued.clear()
            queued = self._state.next(self.target.key)
            if queued is None:
                await self._queued.wait()
                continue
            if queued.expires_at <= self._clock():
                self._finish(queued, Outcome.EXPIRED)
                continue
            try:
                await self._attempt(queued)
                attempts, pause = 0, _GAP_SECONDS
            except NotSent as error:
                attempts += 1
                pause = delay(attempts, error.retry_after)
                self.error = str(error)
                log.warning(
                    "message_delayed",
                    target=self.target.name,
                    message_id=queued.message.id,
                    error=str(error),
                    retry_in_seconds=round(pause, 1),
                )
            await self._sleep(pause)

    async def _attempt(self, queued: Queued) -> None:
        """Send a message once. Raises NotSent."""
        self._state.mark(queued.number, sending=True)
        try:
            await self._sender.send(self.target.address, queued.message)
        except NotSent:
            self._state.mark(queued.number, sending=False)
            self._metrics.delays[self.target.channel].inc()
            raise
        except Refused as error:
            self.error = str(error)
            self._finish(queued, Outcome.REFUSED)
        except Unconfirmed as error:
            self.error = str(error)
            self._finish(queued, Outcome.UNCONFIRMED)
        else:
            self.error = None
            self._finish(queued, Outcome.SENT)

    def _finish(self, queued: Queued, outcome: Outcome) -> None:
        self._state.remove(queued.number)
        self._metrics.finished(self.target.channel, outcome)
        about = {"target": self.target.name, "message_id": queued.message.id}
        if outcome is Outcome.SENT:
            log.info("message_sent", **about)
        else:
            log.error("message_lost", outcome=outcome, error=self.error, **about)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
