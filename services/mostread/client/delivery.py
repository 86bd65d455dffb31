"""A bounded queue of events, and the thread that empties it.

Whoever puts something in holds the lock for as long as that takes, and never while anything is
sent, waited for or logged: no call waits for the network.
"""

import logging
import threading
import time
from collections import deque

from mostread.client.backoff import pause
from mostread.client.stats import Stats
from mostread.client.transport import Again, Never, Post, Settled

MAX_EVENTS = 500
MAX_BYTES = 512 << 10
"""The most that is sent at once: half of what the collector takes."""

log = logging.getLogger(__name__)


class Batch:
    """Lines that are sent together, and again if need be."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.attempts = 0
        self.under_way = False
        self.maybe_kept = False
        """Whether an attempt that is over may have succeeded."""


class Sender:
    """Sends what is put in. For any number of threads; not for the child of a fork."""

    def __init__(
        self,
        post: Post,
        *,
        queue_size: int,
        drop_oldest: bool,
        linger: float,
        resend_seconds: float,
    ) -> None:
        self.post = post
        self._queue_size = queue_size
        self._drop_oldest = drop_oldest
        self._linger = linger
        self._resend_seconds = resend_seconds
        # Its lock may be taken again by the thread that has it, as in a signal handler.
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._batch: Batch | None = None
        self._counted = Stats()
        self._told = ""
        self._thread: threading.Thread | None = None
        self._hurry = False
        self._deadline: float | None = None

    def put(self, line: bytes) -> bool:
        """Take a line to be sent; return whether it was taken."""
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
            self._start()
            return True

    def reject(self, error: str) -> None:
        """Count an event that can't be sent."""
        with self._changed:
            self._count(rejected=1, last_error=error)

    @property
    def stats(self) -> Stats:
        with self._changed:
            return self._counted._replace(waiting=self._waiting())

    def flush(self, timeout: float) -> bool:
        """Wait until nothing waits any more; return whether that came."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._waiting(), timeout)
            finally:
                self._hurry = False

    def close(self, timeout: float) -> None:
        """Take no more, send what waits, and give up what is not settled after `timeout`."""
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
        self._tell()

    def _start(self) -> None:
        """Start the thread, with the lock held."""
        if self._thread is not None:
            return
        # A daemon, so that the interpreter's exit does not wait for it without a limit.
        thread = threading.Thread(target=self._run, name="mostread-client", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # none can be started while the interpreter exits: `close` does its work
        self._thread = thread

    def _run(self) -> None:
        """Send what is in the queue until it is closed, and empty."""
        while batch := self._next():
            self._tell()
            self._deliver(batch)
            self._tell()
        self.post.close()

    def _next(self) -> Batch | None:
        """Return what is to be sent next, as soon as there is something."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing())
            self._changed.wait_for(
                lambda: len(self._queue) >= MAX_EVENTS or self._hurry or self._closing(),
                self._linger,
            )
            size, lines = 0, list[bytes]()
            while self._queue and len(lines) < MAX_EVENTS and size < MAX_BYTES:
                lines.append(self._queue.popleft())
                size += len(lines[-1])
            self._batch = Batch(lines) if lines else None
            return self._batch

    def _deliver(self, batch: Batch) -> None:
        """Send a batch until it is settled or given up."""
        first = time.monotonic()
        body = b"".join(batch.lines)
        while True:
            with self._changed:
                if self._batch is not batch:
                    return  # given up by `close`
                batch.attempts += 1
                batch.under_way = True
            verdict = self.post.send(body)
            with self._changed:
                if self._batch is not batch:
                    return
                batch.under_way = False
                if not isinstance(verdict, Again):
                    self._settle(batch, verdict)
                    return
                self._count(last_error=verdict.said)
                batch.maybe_kept |= verdict.maybe_kept
                wait = pause(batch.attempts, verdict.retry_after)
                if time.monotonic() + wait > min(
                    first + self._resend_seconds, self._deadline or float("inf")
                ):
                    self._give_up(batch)
                    return
                self._count(retries=1)
            self._tell()
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        """Wait before the next attempt; when it is closed meanwhile, no longer."""
        with self._changed:
            was = self._closing()
            self._changed.wait_for(lambda: self._closing() and not was, seconds)

    def _closing(self) -> bool:
        return self._deadline is not None

    def _waiting(self) -> int:
        return len(self._queue) + (len(self._batch.lines) if self._batch else 0)

    def _settle(self, batch: Batch, verdict: Settled | Never) -> None:
        """Count what became of a batch, with the lock held."""
        if isinstance(verdict, Never):
            self._count(last_error=verdict.said)
            batch.maybe_kept |= verdict.maybe_kept
            self._give_up(batch)
            return
        accepted, dropped, rejected = verdict.accepted, verdict.dropped, verdict.rejected
        self._count(
            accepted=accepted,
            dropped=dropped,
            rejected=len(rejected),
            last_error=f"rejected: {rejected[0]}" if rejected else "",
        )
        self._done()

    def _give_up(self, batch: Batch) -> None:
        if batch.under_way or batch.maybe_kept:
            self._count(unknown=len(batch.lines))
        else:
            self._count(given_up=len(batch.lines))
        self._done()

    def _done(self) -> None:
        self._batch = None
        self._changed.notify_all()

    def _count(self, *, last_error: str = "", **numbers: int) -> None:
        counted = {name: getattr(self._counted, name) + n for name, n in numbers.items()}
        error = last_error or self._counted.last_error
        self._counted = self._counted._replace(last_error=error, **counted)

    def _tell(self) -> None:
        """Log the last error where it is another than before; without the lock."""
        error = self._counted.last_error
        if error != self._told:
            self._told = error
            log.warning("%s; %d events wait", error, self.stats.waiting)
