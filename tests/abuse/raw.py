"""Raw HTTP connections for malformed requests, and the memory of a process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 60


class Answer(NamedTuple):
    """One answer; `status` is 0 where the connection ended without."""

    status: int
    head: str
    body: bytes


class Raw:
    """A connection that sends the given bytes."""

    def __init__(self, port: int, data: bytes = b"") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._buffer = b""
        self.send(data)

    def send(self, data: bytes) -> bool:
        """Send; False where the other side has ended the connection."""
        try:
            self._socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def flood(self, data: bytes, times: int) -> None:
        """Send again and again, and read nothing, for as long as the other side takes it."""
        with self._without_waiting(), suppress(BlockingIOError):
            for _ in range(times):
                self._socket.send(data)

    def answer(self) -> Answer:
        """Wait for the next answer."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return Answer(0, "", self._buffer)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(self._buffer) < length and self._more():
            pass
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(int(head.split(b" ")[1]), head.decode("latin-1"), body)

    def ended(self) -> bool:
        """Wait until the other side ends the connection; False where it sends more instead."""
        return not self._buffer and not self._more()

    def rest(self) -> bytes:
        """Return everything until the other side ends the connection."""
        while self._more():
            pass
        return self._buffer

    def is_open(self) -> bool:
        """Whether the other side has neither ended the connection nor sent anything."""
        with self._without_waiting():
            try:
                self._socket.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return True
            except ConnectionError:
                pass
        return False

    def is_established(self) -> bool:
        """Whether the kernel holds the connection for the other side, on this machine."""
        own, other = self._socket.getsockname()[1], self._socket.getpeername()[1]
        ends = (line.split()[1:3] for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        return any(
            (int(local[-4:], 16), int(remote[-4:], 16)) == (other, own) for local, remote in ends
        )

    def close(self) -> None:
        self._socket.close()

    @contextmanager
    def _without_waiting(self) -> Iterator[None]:
        self._socket.settimeout(0)
        yield
        self._socket.settimeout(TIMEOUT_SECONDS)

    def _more(self) -> bool:
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)


def post(body: bytes, *headers: str) -> bytes:
    """Return a POST to /v1/events as it ought to be, with more headers."""
    lines = [
        "POST /v1/events HTTP/1.1",
        "Host: a",
        "User-Agent: raw",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def memory(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 >> 20
