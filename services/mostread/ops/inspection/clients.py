"""The parts of the way as they are seen from outside: Kafka, ClickHouse, services, the clock."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import pydantic
from clickhouse_connect.driver.client import Client
from kafka import KafkaAdminClient
from pydantic_settings import BaseSettings

from mostread.errors import (
    ClickHouseUnavailable,
    KafkaUnavailable,
    Misconfigured,
    MostreadError,
    Unavailable,
)
from mostread.infra import clock
from mostread.infra.clickhouse.client import connect, read_sql, translate_errors
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import applied_migrations
from mostread.infra.healthcheck import host_port, tcp_error
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings

Kind = TypeVar("Kind", bound=BaseSettings)
Made = TypeVar("Made")

_ACCESS_DENIED = "497"
_SQL = Path(__file__).parent / "sql"


class NotReachedError(Exception):
    """A part that is needed cannot be read; `why` says what is the matter with it."""

    def __init__(self, part: str, why: MostreadError) -> None:
        super().__init__(f"{part}: {why}")
        self.part = part
        self.why = why


class ForbiddenError(Exception):
    """Who connects may not look at it."""


class Way:
    """What an event passes on its way. Its methods block, and many threads may call them.

    `services` are the addresses at which services answer, by name; `data` is the folder of the
    embedded stack that runs, if one does; `seconds` is how long a server may take to answer.
    All methods raise NotReachedError where the part is away.
    """

    def __init__(
        self,
        *,
        services: Mapping[str, str],
        data: Path | None = None,
        seconds: float = 10,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self.services = services
        self.data = data
        self.now_ms = now_ms
        self._seconds = seconds
        self._kafka = _Once("Kafka", self._connect_kafka, seconds)
        self._clickhouse = _Once("ClickHouse", self._connect_clickhouse, seconds)
        self._asking_kafka = threading.Lock()
        self._asking_clickhouse = threading.Lock()

    def settings(self, kind: type[Kind]) -> Kind:
        """Return the settings of this kind."""
        try:
            return kind()
        except pydantic.ValidationError as error:
            raise NotReachedError("its settings", Misconfigured(str(error))) from None

    @contextmanager
    def kafka(self) -> Iterator[KafkaAdminClient]:
        """Yield the connection to Kafka, to one thread at a time; its methods raise KafkaError."""
        client = self._kafka()
        # kafka-python takes requests of many threads, and while it is still connecting to a
        # broker refuses all but the first.
        with self._asking_kafka:
            yield client

    def query(self, name: str, **parameters: object) -> Sequence[Any]:
        """Return the rows of queries/<name>.sql; raises ForbiddenError and MostreadError too."""

        def rows(client: Client) -> Sequence[Any]:
            found: Sequence[Any] = client.query(
                read_sql(_SQL, name), parameters=parameters
            ).result_rows
            return found

        return self._ask_clickhouse(rows)

    def applied_migrations(self) -> dict[int, str]:
        """Return the names of the applied migrations by number; raises as `query` does."""
        return self._ask_clickhouse(applied_migrations)

    def _ask_clickhouse(self, ask: Callable[[Client], Made]) -> Made:
        client = self._clickhouse()
        try:
            with self._asking_clickhouse, translate_errors():
                return ask(client)
        except Misconfigured as error:
            if str(getattr(error.__cause__, "code", "")) == _ACCESS_DENIED:
                raise ForbiddenError(str(error)) from error
            raise

    def close(self) -> None:
        """Let go of the connections that were made."""
        for made in (self._kafka.made, self._clickhouse.made):
            if made is not None:
                with suppress(Exception):  # a check that was given up may be using it still
                    made.close()

    def _connect_kafka(self) -> KafkaAdminClient:
        settings = self.settings(KafkaSettings)
        # The client would try for ten seconds. Where nobody listens that is known at once.
        silent = {broker: tcp_error(broker) for broker in settings.bootstrap_servers}
        if all(silent.values()):
            said = ", ".join(f"{broker}: {why}" for broker, why in silent.items())
            raise KafkaUnavailable(f"no Kafka broker answers ({said})")
        return topics.connect_admin(settings)

    def _connect_clickhouse(self) -> Client:
        settings = self.settings(ClickHouseSettings)
        if why := tcp_error(host_port(settings.clickhouse_url)):
            raise ClickHouseUnavailable(f"ClickHouse does not answer ({why})")
        return connect(settings.model_copy(update={"clickhouse_timeout_seconds": self._seconds}))


class _Once(Generic[Made]):
    """A connection that is made when it is first needed, and tried once only."""

    def __init__(self, part: str, make: Callable[[], Made], seconds: float) -> None:
        self.made: Made | None = None
        self._part = part
        self._make = make
        self._seconds = seconds
        self._why: NotReachedError | None = None
        self._begun = threading.Lock()
        self._ended = threading.Event()

    def __call__(self) -> Made:
        if self._begun.acquire(blocking=False):
            # A daemon: whoever takes a connection and says nothing does not hold up the end.
            threading.Thread(target=self._try, daemon=True).start()
        self._ended.wait(self._seconds)
        if self.made is None:
            hangs = f"{self._part} takes connections, and says nothing within {self._seconds:.0f} s"
            raise self._why or NotReachedError(self._part, Unavailable(hangs))
        return self.made

    def _try(self) -> None:
        try:
            self.made = self._make()
        except NotReachedError as error:
            self._why = error
        except MostreadError as error:
            self._why = NotReachedError(self._part, error)
        except Exception as error:  # nobody else would hear of it
            self._why = NotReachedError(self._part, MostreadError(repr(error)))
        finally:
            self._ended.set()


Answer = TypeVar("Answer")


def together(calls: Mapping[str, Callable[[], Answer]], seconds: float) -> dict[str, Answer]:
    """Return what each call says; what has not come within so many seconds is left out.

    No call may raise.
    """
    heard: dict[str, Answer] = {}

    def listen(name: str, call: Callable[[], Answer]) -> None:
        heard[name] = call()

    # Daemons: what does not come back is left behind, and does not hold up the end.
    threads = [
        threading.Thread(target=listen, args=each, daemon=True, name=each[0])
        for each in calls.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(heard)
