"""Bytes that clients of streams have not read.

Granian takes what a stream sends without waiting for its client, so memory for one that reads too
slowly would grow without bound. The kernel knows how much of a connection the client has
acknowledged.
"""

from dataclasses import dataclass

MAX_UNREAD_BYTES = 512 << 10
"""Maximum that a stream may be ahead of its client: several of the largest lists."""


@dataclass(eq=False, slots=True)
class _Unread:
    streams: int = 0
    sent: int = 0
    acknowledged: int = 0
    """Bytes of the connection that the client had acknowledged when `sent` was 0, at least."""


class StreamBacklog:
    """Compares what streams sent with what their clients received, by address of the client."""

    def __init__(self) -> None:
        self._connections: dict[str, _Unread] = {}

    def open(self, client: str) -> None:
        """Add a stream. A connection of HTTP/2 may have several."""
        self._connections.setdefault(client, _Unread()).streams += 1

    def add(self, client: str, size: int) -> None:
        """Count bytes that a stream of this client sent."""
        self._connections[client].sent += size

    def close(self, client: str) -> None:
        """Remove a stream."""
        connection = self._connections[client]
        connection.streams -= 1
        if not connection.streams:
            del self._connections[client]

    def exceeded(self, client: str, acknowledged: int) -> bool:
        """Return whether a client is too far behind, given the bytes it has acknowledged."""
        connection = self._connections.get(client)
        if connection is None:
            return False
        since = connection.acknowledged
        if acknowledged - since >= connection.sent:
            # Headers and framing count as received too, so begin again whenever all has arrived.
            connection.sent, connection.acknowledged = 0, acknowledged
            return False
        return connection.sent - (acknowledged - since) > MAX_UNREAD_BYTES
