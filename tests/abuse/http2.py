"""HTTP/2 frames by hand: what no client library would send, and when."""

import socket
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8


class Frame(NamedTuple):
    """A frame as RFC 9113, section 4.1, defines it."""

    type: int
    flags: int
    stream: int
    payload: bytes = b""

    def encode(self) -> bytes:
        length = len(self.payload).to_bytes(3, "big")
        return (
            length + bytes((self.type, self.flags)) + self.stream.to_bytes(4, "big") + self.payload
        )


def fields(*pairs: tuple[str, str]) -> bytes:
    """Return header fields in HPACK, each a literal without index or Huffman code."""

    def text(value: str) -> bytes:
        data = value.encode("latin-1")
        assert len(data) < 127  # one byte of length
        return bytes((len(data),)) + data

    return b"".join(b"\x00" + text(name) + text(value) for name, value in pairs)


def head(method: str, path: str, *more: tuple[str, str]) -> bytes:
    """Return the fields of a request."""
    return fields(
        (":method", method), (":scheme", "http"), (":path", path), (":authority", "a"), *more
    )


class Connection:
    """An HTTP/2 connection over TCP, which sends what its methods are given."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.sendall(PREFACE)
        self.send(Frame(SETTINGS, 0, 0))

    def send(self, *frames: Frame) -> None:
        self._socket.sendall(b"".join(frame.encode() for frame in frames))

    def receive(self) -> Frame | None:
        """Return the next frame, None once the connection has ended."""
        head = self._read(9)
        if head is None:
            return None
        payload = self._read(int.from_bytes(head[:3], "big"))
        if payload is None:
            return None
        return Frame(head[3], head[4], int.from_bytes(head[5:9], "big"), payload)

    def until(self, type: int) -> Frame | None:  # noqa: A002  the specification's word
        """Return the next frame of a type, None if the connection ends without one."""
        while (frame := self.receive()) is not None:
            if frame.type == type:
                return frame
        return None

    def close(self) -> None:
        self._socket.close()

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                more = self._socket.recv(size - len(data))
            except ConnectionError:
                more = b""
            if not more:
                return None
            data += more
        return data
