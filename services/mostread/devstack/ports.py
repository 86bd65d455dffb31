"""The ports of a stack, counted from one base."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from mostread.errors import Misconfigured


@dataclass(frozen=True)
class Ports:
    """The ports of a stack of `workers` aggregators."""

    base: int
    workers: int = 1

    @property
    def ranking(self) -> int:
        return self.base

    @property
    def collector(self) -> int:
        return self.base + 1

    @property
    def clickhouse(self) -> int:
        return self.base + 3

    @property
    def kafka(self) -> int:
        return self.base + 4

    @property
    def controller(self) -> int:
        return self.base + 5

    @property
    def aggregators(self) -> list[int]:
        """The first worker's port, then those of further workers, above all others."""
        return [self.base + 2, *range(self.base + 6, self.base + 5 + self.workers)]

    @property
    def canary(self) -> int:
        """The port after all others."""
        return self.base + 5 + self.workers


def check_free(ports: Iterable[tuple[str, int]]) -> None:
    """Raise Misconfigured for the first port that is taken."""
    for name, port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise Misconfigured(
                    f"port {port} for {name} is not available ({error.strerror}); "
                    "choose another range with --ports BASE"
                ) from error
