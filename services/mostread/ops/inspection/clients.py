"""Clients for the parts of a running system: Kafka, ClickHouse and the services."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

import pydantic
from clickhouse_connect.driver.client import Client
from kafka import KafkaAdminClient
from pydantic_settings import BaseSettings

from mostread.core.exclusions import ExclusionEntry
from mostread.core.skipped import SkippedRange
from mostread.errors import (
    ClickHouseUnavailable,
    KafkaUnavailable,
    Misconfigured,
    MostreadError,
    Unavailable,
)
from mostread.infra import clock
from mostread.infra.clickhouse.client import connect, query_rows, translate_errors
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.exclusions import read_exclusions
from mostread.infra.clickhouse.migrations import applied_migrations, edited_migrations
from mostread.infra.clickhouse.skipped_ranges import read_skipped_ranges
from mostread.infra.healthcheck import host_port, tcp_error
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
ClientT = TypeVar("ClientT")
ResultT = TypeVar("ResultT")

_ACCESS_DENIED_CODE = "497"
_SQL = Path(__file__).parent / "sql"


class DependencyUnavailable(Exception):
    """`dependency` cannot be used because of `cause`."""

    def __init__(self, dependency: str, cause: MostreadError) -> None:
        super().__init__(f"{dependency}: {cause}")
        self.dependency = dependency
        self.cause = cause


class AccessDenied(Exception):
    """The ClickHouse user lacks a right."""


class SystemClients:
    """Clients for a running system. Methods block, and are safe to call from many threads.

    `services` maps names of services to their URLs; `data` is the data directory of the
    development stack, if one runs; `seconds` is the timeout of a server. All methods raise
    DependencyUnavailable.
    """

    def __init__(
        self,
        *,
        services: Mapping[str, str],
        data: Path | None = None,
        backups: Path | None = None,
        seconds: float = 10,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self.services = services
        self.data = data
        self.backups = backups
        self.now_ms = now_ms
        self._seconds = seconds
        self._kafka = LazyConnection("Kafka", self._connect_kafka, seconds)
        self._clickhouse = LazyConnection("ClickHouse", self._connect_clickhouse, seconds)
        self._kafka_lock = threading.Lock()
        self._clickhouse_lock = threading.Lock()

    def settings(self, settings_class: type[SettingsT]) -> SettingsT:
        """Return settings of this class from the environment."""
        try:
            return settings_class()
        except pydantic.ValidationError as error:
            raise DependencyUnavailable("settings", Misconfigured(str(error))) from None

    @contextmanager
    def kafka(self) -> Iterator[KafkaAdminClient]:
        """Lend the Kafka client to one thread at a time; its methods raise KafkaError."""
        client = self._kafka()
        # kafka-python is thread-safe, but while it connects to a broker it refuses all requests
        # but the first.
        with self._kafka_lock:
            yield client

    def query(self, name: str, **parameters: object) -> Sequence[Any]:
        """Return the rows of sql/<name>.sql. Raises AccessDenied and MostreadError too."""
        return self._with_clickhouse(lambda client: query_rows(client, _SQL, name, **parameters))

    def skipped_ranges(self, topic_id: UUID) -> dict[int, list[SkippedRange]]:
        """Return the skipped ranges of a topic by partition. Raises as `query` does."""
        return self._with_clickhouse(lambda client: read_skipped_ranges(client, topic_id))

    def exclusions(self) -> list[ExclusionEntry]:
        """Return all additions and removals of exclusions. Raises as `query` does."""
        return self._with_clickhouse(read_exclusions)

    def applied_migrations(self) -> dict[int, str]:
        """Return the names of applied migrations by number. Raises as `query` does."""
        return self._with_clickhouse(applied_migrations)

    def edited_migrations(self) -> list[str]:
        """Return the names of migrations edited since they were applied. Raises as `query` does."""
        return self._with_clickhouse(edited_migrations)

    def _with_clickhouse(self, call: Callable[[Client], ResultT]) -> ResultT:
        client = self._clickhouse()
        try:
            with self._clickhouse_lock, translate_errors():
                return call(client)
        except Misconfigured as error:
            if clickhouse_error_code(error) == _ACCESS_DENIED_CODE:
                raise AccessDenied(str(error)) from error
            raise

    def close(self) -> None:
        """Close the connections that were opened."""
        for client in (self._kafka.client, self._clickhouse.client):
            if client is not None:
                with suppress(Exception):  # a check past its deadline may still use it
                    client.close()

    def _connect_kafka(self) -> KafkaAdminClient:
        settings = self.settings(KafkaSettings)
        # The client retries for ten seconds; a TCP connection fails at once.
        errors = {broker: tcp_error(broker) for broker in settings.bootstrap_servers}
        if all(errors.values()):
            details = ", ".join(f"{broker}: {error}" for broker, error in errors.items())
            raise KafkaUnavailable(f"no Kafka broker responds ({details})")
        return topics.connect_admin(settings)

    def _connect_clickhouse(self) -> Client:
        settings = self.settings(ClickHouseSettings)
        if error := tcp_error(host_port(settings.clickhouse_url)):
            raise ClickHouseUnavailable(f"ClickHouse does not respond ({error})")
        return connect(settings, seconds=self._seconds, read_only=True)


class LazyConnection(Generic[ClientT]):
    """A connection opened at its first use, and attempted only once."""

    def __init__(self, dependency: str, connect: Callable[[], ClientT], seconds: float) -> None:
        self.client: ClientT | None = None
        self._dependency = dependency
        self._connect = connect
        self._seconds = seconds
        self._error: DependencyUnavailable | None = None
        self._started = threading.Lock()
        self._finished = threading.Event()

    def __call__(self) -> ClientT:
        if self._started.acquire(blocking=False):
            # A daemon thread: a server that accepts and then hangs does not block the exit.
            threading.Thread(target=self._run, daemon=True).start()
        self._finished.wait(self._seconds)
        if self.client is None:
            raise self._error or DependencyUnavailable(
                self._dependency,
                Unavailable(
                    f"{self._dependency} accepts connections but does not respond within "
                    f"{self._seconds:.0f} s"
                ),
            )
        return self.client

    def _run(self) -> None:
        try:
            self.client = self._connect()
        except DependencyUnavailable as error:
            self._error = error
        except MostreadError as error:
            self._error = DependencyUnavailable(self._dependency, error)
        except Exception as error:  # otherwise lost with the thread
            self._error = DependencyUnavailable(self._dependency, MostreadError(repr(error)))
        finally:
            self._finished.set()


def clickhouse_error_code(error: Misconfigured) -> str:
    """Return ClickHouse's code of the exception that `error` translates; empty if unknown."""
    return str(getattr(error.__cause__, "code", None) or "")


def run_with_deadline(
    calls: Mapping[str, Callable[[], ResultT]], seconds: float
) -> dict[str, ResultT]:
    """Run all calls in threads, and return the results that arrive within `seconds`.

    No call may raise.
    """
    results: dict[str, ResultT] = {}

    def run(name: str, call: Callable[[], ResultT]) -> None:
        results[name] = call()

    # Daemon threads: a call that hangs is abandoned, and does not block the exit.
    threads = [
        threading.Thread(target=run, args=(name, call), daemon=True, name=name)
        for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(results)
