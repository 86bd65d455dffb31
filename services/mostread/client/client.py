"""What a server calls: events by their kind, and what became of them."""

import atexit
import os
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from mostread.client.delivery import Sender
from mostread.client.events import line
from mostread.client.stats import Stats
from mostread.client.transport import Post

RESEND_SECONDS = 25 * 60
"""For how long an event may be sent again: the aggregator knows its id for 30 minutes."""


class Client:
    """Sends events to a collector, from any number of threads.

    No call waits for the network: an event is put into a queue, of at most `queue_size` events,
    and sent by a thread with others. It is sent again, with the same id, until the collector has
    it, for at most 25 minutes. When the queue is full, `when_full` says whether the new event is
    refused or the oldest dropped. `stats` says what became of the events.

    What is in the queue is sent when the interpreter exits or `close` is called, for five
    seconds at most. After a fork the child begins with an empty queue and no numbers, and the
    parent keeps its events; a child that ends with os._exit (those of multiprocessing do) must
    call `close` itself.
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
        """Return a client of the collector at `url`; nothing is sent before the first event.

        `site` is that of events that name none. An event waits for others for `linger` seconds,
        a request for its answer for `timeout` seconds. Raises ValueError for what can't be.
        """
        if queue_size < 1 or when_full not in ("refuse", "drop_oldest"):
            raise ValueError("queue_size must be at least 1, when_full refuse or drop_oldest")
        self._token = token
        self._site = site

        def sender() -> Sender:
            return Sender(
                Post(url, token, timeout=timeout),
                queue_size=queue_size,
                drop_oldest=when_full == "drop_oldest",
                linger=linger,
                resend_seconds=min(resend_seconds, RESEND_SECONDS),
            )

        self._new_sender = sender
        self._sender = sender()
        _clients.add(self)
        atexit.register(self.close)

    def view(self, article_id: str, *, visitor: str | None = None, **fields: object) -> bool:
        """Count a reader who opened the article.

        With `visitor`, an opaque name of the reader, whoever reloads counts once in half an
        hour. `fields` are others of schemas/event.schema.json. Returns as `send`.
        """
        if visitor is not None:
            fields["visitor"] = visitor
        return self.send({"type": "view", "article_id": article_id, **fields})

    def comment(self, article_id: str, **fields: object) -> bool:
        """Count a comment; `delta=-1` takes one back, with a token. Returns as `send`."""
        return self.send({"type": "comment", "article_id": article_id, **fields})

    def like(self, article_id: str, **fields: object) -> bool:
        """Count a like; `delta=-1` takes one back, with a token. Returns as `send`."""
        return self.send({"type": "like", "article_id": article_id, **fields})

    def send(self, event: Mapping[str, object]) -> bool:
        """Take an event (schemas/event.schema.json); one without an id gets one now.

        Returns whether it is in the queue: it is not if that is full, the client is closed, or
        the event can't be written as JSON. `stats` counts that too, so nobody has to look.
        """
        try:
            if self._site is not None:
                event = {"site": self._site, **event}
            encoded = line(event, key=self._token or "")
        except (TypeError, ValueError, RecursionError) as error:
            self._sender.reject(f"this is no event: {error}")
            return False
        return self._sender.put(encoded)

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        return self._sender.stats

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what became of every event is known, and return whether it is."""
        return self._sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> Stats:
        """Take no more, send what is in the queue, and return what became of all events.

        What the collector does not have after `timeout` seconds is given up.
        """
        self._sender.close(timeout)
        atexit.unregister(self.close)
        return self._sender.stats

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _begin_in_child(self) -> None:
        """Begin anew after a fork: the thread, the events and the connection are the parent's."""
        self._sender.post.close()  # the child's copy of it
        self._sender = self._new_sender()


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _begin_in_child() -> None:
    for client in list(_clients):
        client._begin_in_child()


os.register_at_fork(after_in_child=_begin_in_child)
