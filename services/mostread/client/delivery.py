"""A bounded queue of events and the thread that delivers them.

A caller holds the lock only while it appends to the queue, never during network access, waiting
or logging: no call waits for the network.
"""

import logging
import threading
import time
from collections import deque
from typing import NamedTuple

from mostread.client.backoff import delay
from mostread.client.transport import Fatal, Retryable, Settled, Transport

MAX_EVENTS = 500
MAX_BYTES = 512 << 10
"""Limits of one request: half of what the collector accepts."""

log = logging.getLogger(__name__)


class Stats(NamedTuple):
    """Events by state; each is in exactly one of the first seven fields."""

    waiting: int = 0
    """Queued or being sent."""
    accepted: int = 0
    """In Kafka; counted once, however often they were sent."""
    dropped: int = 0
    """Valid, and dropped by a filter of the collector (an unknown site, a bot)."""
    rejected: int = 0
    """Invalid; sending them again would not help."""
    overflowed: int = 0
    """Discarded by the client because its queue was full."""
    given_up: int = 0
    """Not counted: the collector was unavailable for too long, refused them, or `close` ended."""
    unknown: int = 0
    """Given up after an attempt that may have succeeded: counted or not."""
    retries: int = 0
    """Requests that were repeated."""
    last_error: str = ""
    """The latest error, of a request or of an event."""


class RequestBatch:
    """Lines that are sent in one request, and sent again until settled."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.attempts = 0
        self.in_flight = False
        self.maybe_accepted = False
        """Whether a completed attempt may have succeeded."""


class DeliveryThread:
    """Deliver queued lines. Thread-safe, but unusable in the child of a fork."""

    def __init__(
        self,
        transport: Transport,
        *,
        queue_size: int,
        drop_oldest: bool,
        linger: float,
        resend_seconds: float,
    ) -> None:
        self.transport = transport
        self._queue_size = queue_size
        self._drop_oldest = drop_oldest
        self._linger = linger
        self._resend_seconds = resend_seconds
        # Reentrant, so that a signal handler may send an event in the thread that holds the lock.
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._batch: RequestBatch | None = None
        self._stats = Stats()
        self._logged_error = ""
        self._thread: threading.Thread | None = None
        self._flushing = False
        self._deadline: float | None = None

    def put(self, line: bytes) -> bool:
        """Queue a line; return whether it was queued."""
        with self._changed:
            if self._deadline is not None:
                self._count(given_up=1, last_error="the client is closed")
                return False
            if len(self._queue) >= self._queue_size:
                self._count(overflowed=1, last_error="the queue is full")
                if not self._drop_oldest:
                    return False
                self._queue.popleft()
            self._queue.append(line)
            if len(self._queue) in (1, MAX_EVENTS):
                self._changed.notify_all()
            self._ensure_started()
            return True

    def reject(self, error: str) -> None:
        """Count an event that cannot be sent."""
        with self._changed:
            self._count(rejected=1, last_error=error)

    @property
    def stats(self) -> Stats:
        with self._changed:
            return self._stats._replace(waiting=self._waiting())

    def flush(self, timeout: float) -> bool:
        """Wait until no event is waiting; return False after `timeout` seconds."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._waiting(), timeout)
            finally:
                self._flushing = False

    def close(self, timeout: float) -> None:
        """Refuse further events, deliver what is queued, and give up after `timeout` seconds."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout
                self._changed.notify_all()
            no_thread = self._thread is None
        if no_thread:
            self._run()
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting(), self._deadline - time.monotonic())
            if self._batch is not None:
                self._give_up(self._batch)
            self._count(given_up=len(self._queue))
            self._queue.clear()
            self._changed.notify_all()
        self._log_error()

    def _ensure_started(self) -> None:
        """Start the thread. The caller holds the lock."""
        if self._thread is not None:
            return
        # A daemon, so that interpreter exit does not wait for it indefinitely.
        thread = threading.Thread(target=self._run, name="mostread-client", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # during interpreter exit no thread can start: `close` delivers instead
        self._thread = thread

    def _run(self) -> None:
        """Deliver batches until the queue is closed and empty."""
        while batch := self._next_batch():
            self._log_error()
            self._deliver(batch)
            self._log_error()
        self.transport.close()

    def _next_batch(self) -> RequestBatch | None:
        """Wait for events and return the next batch, or None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closing())
            self._changed.wait_for(
                lambda: len(self._queue) >= MAX_EVENTS or self._flushing or self._is_closing(),
                self._linger,
            )
            size, lines = 0, list[bytes]()
            while self._queue and len(lines) < MAX_EVENTS and size < MAX_BYTES:
                lines.append(self._queue.popleft())
                size += len(lines[-1])
            self._batch = RequestBatch(lines) if lines else None
            return self._batch

    def _deliver(self, batch: RequestBatch) -> None:
        """Send a batch until it is settled or given up."""
        started = time.monotonic()
        body = b"".join(batch.lines)
        while True:
            with self._changed:
                if self._batch is not batch:
                    return  # given up by `close`
                batch.attempts += 1
                batch.in_flight = True
            outcome = self.transport.send(body)
            with self._changed:
                if self._batch is not batch:
                    return
                batch.in_flight = False
                if not isinstance(outcome, Retryable):
                    self._settle(batch, outcome)
                    return
                self._count(last_error=outcome.error)
                batch.maybe_accepted |= outcome.maybe_accepted
                seconds = delay(batch.attempts, outcome.retry_after)
                if time.monotonic() + seconds > min(
                    started + self._resend_seconds, self._deadline or float("inf")
                ):
                    self._give_up(batch)
                    return
                self._count(retries=1)
            self._log_error()
            self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        """Wait before the next attempt, until `close` is called at the latest."""
        with self._changed:
            was_closing = self._is_closing()
            self._changed.wait_for(lambda: self._is_closing() and not was_closing, seconds)

    def _is_closing(self) -> bool:
        return self._deadline is not None

    def _waiting(self) -> int:
        return len(self._queue) + (len(self._batch.lines) if self._batch else 0)

    def _settle(self, batch: RequestBatch, outcome: Settled | Fatal) -> None:
        """Count the outcome of a batch. The caller holds the lock."""
        if isinstance(outcome, Fatal):
            self._count(last_error=outcome.error)
            batch.maybe_accepted |= outcome.maybe_accepted
            self._give_up(batch)
            return
        rejected = outcome.rejected
        self._count(
            accepted=outcome.accepted,
            dropped=outcome.dropped,
            rejected=len(rejected),
            last_error=f"rejected: {rejected[0]}" if rejected else "",
        )
        self._finish()

    def _give_up(self, batch: RequestBatch) -> None:
        if batch.in_flight or batch.maybe_accepted:
            self._count(unknown=len(batch.lines))
        else:
            self._count(given_up=len(batch.lines))
        self._finish()

    def _finish(self) -> None:
        self._batch = None
        self._changed.notify_all()

    def _count(self, *, last_error: str = "", **numbers: int) -> None:
        counts = {name: getattr(self._stats, name) + n for name, n in numbers.items()}
        error = last_error or self._stats.last_error
        self._stats = self._stats._replace(last_error=error, **counts)

    def _log_error(self) -> None:
        """Log the last error if it changed. The caller does not hold the lock."""
        error = self._stats.last_error
        if error != self._logged_error:
            self._logged_error = error
            log.warning("%s; %d events wait", error, self.stats.waiting)
