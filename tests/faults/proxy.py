"""A TCP proxy that delays, drops or cuts connections on request."""

import asyncio
import re
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

CHUNK = 16 << 10
OVERLAP = 300
"""A pattern is found across two reads if it is no longer than this."""


class Spring(Enum):
    """Action of a trap on a caught request."""

    TELL = "forwards it as any other"
    CUT_REQUEST = "forwards half of what came, and cuts the connection"
    LOSE_ANSWER = "forwards it, and cuts the connection when it is answered"
    HOLD_ANSWER = "forwards it, and keeps every answer on its connection to itself"


@dataclass(eq=False)
class Trap:
    """Catches the next `times` requests in which `pattern` is found.

    `sprung` is set when the last of them was forwarded, `answered` when its answer came.
    """

    pattern: re.Pattern[bytes]
    spring: Spring
    times: int = 1
    sprung: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)


class Connection:
    """A client's connection and the one to the server that it was given."""

    def __init__(self, ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._ends = ends
        self.caught: Trap | None = None
        self.tail = b""

    def abort(self) -> None:
        """End both as a broken cable would, whatever is under way."""
        for end in self._ends:
            end.transport.abort()

    def close(self) -> None:
        """End both when what was written has gone out."""
        for end in self._ends:
            end.close()


class Proxies:
    """Proxies to which the same happens."""

    def __init__(self, proxies: Sequence["Proxy"]) -> None:
        self.all = proxies

    def pass_on(self) -> None:
        for proxy in self.all:
            proxy.pass_on()

    def slow(self, bytes_per_second: int) -> None:
        for proxy in self.all:
            proxy.slow(bytes_per_second)

    def stall(self) -> None:
        for proxy in self.all:
            proxy.stall()

    def refuse(self) -> None:
        for proxy in self.all:
            proxy.refuse()

    def cut(self) -> None:
        for proxy in self.all:
            proxy.cut()

    def trap(self, pattern: bytes, spring: Spring, times: int = 1) -> Trap:
        """Set one trap for all; it may catch more than `times` at the same moment."""
        trap = Trap(re.compile(pattern, re.DOTALL), spring, times)
        for proxy in self.all:
            proxy.set(trap)
        return trap

    def remove_trap(self) -> None:
        for proxy in self.all:
            proxy.set(None)


class Proxy:
    """Stands on `port` of loopback before `target`, in a thread of its own.

    It begins by passing everything on; each method returns when what it says is so.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._connections: set[Connection] = set()
        self._flowing = asyncio.Event()
        self._refusing = False
        self._bytes_per_second = 0
        self._trap: Trap | None = None

    def start(self) -> None:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self.pass_on()

    def stop(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pass_on(self) -> None:
        """Forward everything again, including bytes held back."""
        self._do(self._set(flowing=True))

    def slow(self, bytes_per_second: int) -> None:
        """Let no more through on each connection, in each direction."""
        self._do(self._set(flowing=True, bytes_per_second=bytes_per_second))

    def stall(self) -> None:
        """Accept connections and bytes, and forward none."""
        self._do(self._set(flowing=False))

    def refuse(self) -> None:
        """Cut every connection, and each that comes."""
        self._do(self._set(flowing=True, refusing=True))
        self.cut()

    def cut(self) -> None:
        """Cut every connection that there is."""
        self._do(self._cut())

    def trap(self, pattern: bytes, spring: Spring, times: int = 1) -> Trap:
        """Set a trap in place of the one before."""
        trap = Trap(re.compile(pattern, re.DOTALL), spring, times)
        self.set(trap)
        return trap

    def set(self, trap: Trap | None) -> None:
        self._trap = trap

    def remove_trap(self) -> None:
        self.set(None)

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _set(
        self, *, flowing: bool, refusing: bool = False, bytes_per_second: int = 0
    ) -> None:
        self._refusing, self._bytes_per_second = refusing, bytes_per_second
        if flowing:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _cut(self) -> None:
        for connection in self._connections:
            connection.abort()

    async def _end(self) -> None:
        self._server.close()
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection((writer, writer))
        self._connections.add(connection)
        try:
            await self._flowing.wait()
            if self._refusing:
                connection.abort()
                return
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            self._connections.discard(connection)
            connection = Connection((writer, to_server))
            self._connections.add(connection)
            there = asyncio.create_task(self._forward_requests(reader, to_server, connection))
            back = asyncio.create_task(self._forward_answers(from_server, writer, connection))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (there, back):
                    task.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the server is unavailable, or this proxy ends
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _forward_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        while data := await self._read(reader):
            caught = self._caught(connection, data)
            if caught and caught.spring is Spring.CUT_REQUEST:
                writer.write(data[: len(data) // 2])
                await writer.drain()
                caught.sprung.set()
                connection.abort()
                return
            writer.write(data)
            await writer.drain()
            if caught and caught.times < 1:
                caught.sprung.set()

    async def _forward_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        while data := await self._read(reader):
            caught = connection.caught
            if caught and caught.spring in {Spring.LOSE_ANSWER, Spring.HOLD_ANSWER}:
                if caught.times < 1:
                    caught.answered.set()
                if caught.spring is Spring.LOSE_ANSWER:
                    connection.abort()
                    return
                continue
            writer.write(data)
            await writer.drain()

    def _caught(self, connection: Connection, data: bytes) -> Trap | None:
        """Return the trap if `data` springs it."""
        trap, seen = self._trap, connection.tail + data
        connection.tail = seen[-OVERLAP:]
        if trap is None or trap.times < 1 or not trap.pattern.search(seen):
            return None
        connection.tail = b""
        trap.times -= 1
        connection.caught = trap
        return trap

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """Return what came, when it may be forwarded."""
        data = await reader.read(CHUNK)
        await self._flowing.wait()
        if self._bytes_per_second:
            await asyncio.sleep(len(data) / self._bytes_per_second)
        return data
