"""The client's public interface, and the encoding of events."""

import atexit
import hashlib
import json
import os
import time
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from mostread.client.delivery import DeliveryThread, Stats
from mostread.client.transport import Transport
from mostread.core.article_ids import clean

RESEND_SECONDS = 25 * 60
"""How long an event may be sent again: the aggregator detects duplicates for 30 minutes."""
HALF_HOUR_MS = 30 * 60 * 1000
EARLIEST_MS, LATEST_MS = 100_000_000_000, 4_102_444_800_000
"""Times of 1973 and 2100; a timestamp outside is in seconds or microseconds."""
MAX_LINE_BYTES = 16 << 10
"""Far longer than any valid event."""


class Client:
    """Send events to a collector, from any number of threads.

    No call waits for the network: an event enters a queue of at most `queue_size` events, and a
    thread sends it together with others. The thread sends it again, with the same id, until the
    collector has accepted it, for at most 25 minutes. If the queue is full, `when_full` decides
    whether the new event is refused or the oldest dropped. `stats` counts the outcomes.

    Queued events are sent when the interpreter exits or `close` is called, for five seconds at
    most. After a fork the child starts with an empty queue and zero counts, and the parent keeps
    its events; a child that ends with os._exit (as those of multiprocessing do) must call `close`
    itself.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        site: str | None = None,
        queue_size: int = 10_000,
        when_full: Literal["refuse", "drop_oldest"] = "refuse",
        linger: float = 0.1,
        timeout: float = 15.0,
        resend_seconds: float = RESEND_SECONDS,
    ) -> None:
        """Create a client of the collector at `url`; it connects with the first event.

        `site` applies to events without one. An event waits up to `linger` seconds for others, a
        request up to `timeout` seconds for its response. Raises ValueError for invalid arguments.
        """
        if queue_size < 1 or when_full not in ("refuse", "drop_oldest"):
            raise ValueError("queue_size must be at least 1, when_full refuse or drop_oldest")
        self._token = token
        self._site = site

        def new_delivery() -> DeliveryThread:
            return DeliveryThread(
                Transport(url, token, timeout=timeout),
                queue_size=queue_size,
                drop_oldest=when_full == "drop_oldest",
                linger=linger,
                resend_seconds=min(resend_seconds, RESEND_SECONDS),
            )

        self._new_delivery = new_delivery
        self._delivery = new_delivery()
        _clients.add(self)
        atexit.register(self.close)

    def view(self, article_id: str, *, visitor: str | None = None, **fields: object) -> bool:
        """Count a view of an article.

        With `visitor`, an opaque name of the reader, reloads within the same half hour count
        once. `fields` are further fields of schemas/event.schema.json. Returns as `send`.
        """
        if visitor is not None:
            fields["visitor"] = visitor
        return self.send({"type": "view", "article_id": article_id, **fields})

    def comment(self, article_id: str, **fields: object) -> bool:
        """Count a comment; `delta=-1` retracts one, which needs a token. Returns as `send`."""
        return self.send({"type": "comment", "article_id": article_id, **fields})

    def like(self, article_id: str, **fields: object) -> bool:
        """Count a like; `delta=-1` retracts one, which needs a token. Returns as `send`."""
        return self.send({"type": "like", "article_id": article_id, **fields})

    def send(self, event: Mapping[str, object]) -> bool:
        """Queue an event (schemas/event.schema.json).

        An event without an id or a timestamp gets one; without a token, the collector gives views
        with a visitor their ids. Returns whether the event was queued. It is
        not if the queue is full, the client is closed, or the event cannot be encoded as JSON.
        `stats` counts these too, so callers need not check.
        """
        try:
            if self._site is not None:
                event = {"site": self._site, **event}
            line = encode_line(event, key=self._token)
        except (TypeError, ValueError, RecursionError) as error:
            self._delivery.reject(f"not a valid event: {error}")
            return False
        return self._delivery.put(line)

    @property
    def stats(self) -> Stats:
        """Counts of events by outcome."""
        return self._delivery.stats

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until every event has an outcome; return False after `timeout` seconds."""
        return self._delivery.flush(timeout)

    def close(self, timeout: float = 5.0) -> Stats:
        """Refuse further events, send those queued, and return the counts.

        Events that the collector has not accepted after `timeout` seconds are given up.
        """
        self._delivery.close(timeout)
        atexit.unregister(self.close)
        return self._delivery.stats

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _reset_in_child(self) -> None:
        """Reset after a fork: thread, events and connection belong to the parent."""
        self._delivery.transport.close()  # the child's copy of the connection
        self._delivery = self._new_delivery()


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _reset_in_child() -> None:
    for client in list(_clients):
        client._reset_in_child()


os.register_at_fork(after_in_child=_reset_in_child)


def encode_line(event: Mapping[str, object], *, key: str | None) -> bytes:
    """Return an event as a line of NDJSON, with an id and a timestamp.

    Both are set at the time of the call, so the event stays the same when it is sent late or
    again. Without `key` a view with a visitor gets no id: one that anybody could compute could be
    sent first by anybody, and the collector makes one under a key of its own. Raises ValueError or
    TypeError if the event cannot be encoded.
    """
    fields = dict(event)
    if isinstance(article_id := fields.get("article_id"), str):
        fields["article_id"] = clean(article_id)
    if fields.get("timestamp") is None:
        fields["timestamp"] = time.time_ns() // 1_000_000
    timestamp = fields["timestamp"]
    if isinstance(timestamp, int | float) and not EARLIEST_MS <= timestamp < LATEST_MS:
        raise ValueError(f"the timestamp {timestamp} is not in milliseconds since 1970")
    if fields.get("id") is None:
        fields["id"] = _event_id(fields, key)
        if fields["id"] is None:
            del fields["id"]
    line = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(line) > MAX_LINE_BYTES:
        raise ValueError("it is too long")
    return line + b"\n"


def _event_id(event: Mapping[str, object], key: str | None) -> str | None:
    """Return a random id, or for a view with a visitor a reproducible one, None without a key.

    The latter is constant for half an hour, so reloads of a page count once. `key` prevents others
    from computing the id.
    """
    visitor, timestamp = event.get("visitor"), event["timestamp"]
    if event.get("type") != "view" or visitor is None or not isinstance(timestamp, int):
        return os.urandom(16).hex()
    if key is None:
        return None
    parts = (event.get("site", "default"), event.get("article_id"), visitor)
    text = json.dumps([*parts, timestamp // HALF_HOUR_MS])
    key_bytes = hashlib.blake2b(key.encode(), digest_size=32).digest()
    return hashlib.blake2b(text.encode(), digest_size=16, key=key_bytes).hexdigest()
