"""ClickHouse clients, and the mapping of their errors to mostread's."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from urllib3.exceptions import ReadTimeoutError

from mostread.errors import ClickHouseUnavailable, Misconfigured, QueryTooLarge, StaleEpoch
from mostread.infra.clickhouse.config import NAMES, ClickHouseSettings
from mostread.infra.tls import error_chain, explain_tls_error

# Error codes that an operator must fix. All others may be temporary.
_PERMANENT = {
    "60": "a table is missing; run `mostread init`",
    "81": "the database is missing; run `mostread init`",
    "192": "the user is unknown; check MOSTREAD_CLICKHOUSE_USER",
    "193": "the password is wrong; check MOSTREAD_CLICKHOUSE_PASSWORD",
    "516": "the user or password is wrong; check MOSTREAD_CLICKHOUSE_USER and _PASSWORD",
    "497": "the user lacks a right; deploy/clickhouse/grants.sql has those of each service",
}
# The only constraint is on the column `epoch`.
_VIOLATED_CONSTRAINT = "469"
# Limits of time, rows in a set (which only a profile sets), and memory.
_EXCEEDED_LIMITS = {"159", "191", "241"}

READ_ONLY = {"readonly": 2, "cancel_http_readonly_queries_on_client_close": 1}
"""Settings of queries that only read: ClickHouse cancels them once the client disconnects."""

_CHUNK_BYTES = 1 << 20

# An abandoned query would otherwise continue, beside its repetition.
_SERVER_SHARE = 0.9

# The driver also logs the errors that it raises; this keeps them out of the output of commands.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the driver's errors as ClickHouseUnavailable, Misconfigured or StaleEpoch.

    Where a query exceeds a limit, ClickHouseUnavailable is a QueryTooLarge.
    """
    try:
        yield
    except (ClickHouseError, OSError) as error:
        if reason := explain_tls_error(error, "ClickHouse", NAMES):
            raise Misconfigured(reason) from error
        code = str(getattr(error, "code", None) or "")
        first_line = (str(error).splitlines() or [type(error).__name__])[0][:300]
        if isinstance(error, DatabaseError) and code in _PERMANENT:
            raise Misconfigured(f"ClickHouse: {_PERMANENT[code]} ({first_line})") from error
        if isinstance(error, DatabaseError) and code == _VIOLATED_CONSTRAINT:
            raise StaleEpoch("`mostread rebuild` has exchanged the tables") from error
        causes = list(error_chain(error))
        refusals = [each for each in causes if isinstance(each, OSError) and each.errno]
        if refusals:
            raise ClickHouseUnavailable(
                f"ClickHouse does not answer ({refusals[0].strerror}); check that it runs at "
                "MOSTREAD_CLICKHOUSE_URL"
            ) from error
        message = f"ClickHouse responded with an error: {first_line}"
        timed_out = any(isinstance(each, ReadTimeoutError) for each in causes)
        if timed_out or code in _EXCEEDED_LIMITS:
            raise QueryTooLarge(message) from error
        raise ClickHouseUnavailable(message) from error


def connect(
    settings: ClickHouseSettings,
    *,
    database: str | None = None,
    seconds: float | None = None,
    read_only: bool = False,
) -> Client:
    """Return a client bound to `database`, with a query timeout of `seconds`.

    Both default to the settings. ClickHouse itself ends a query just before the client's timeout,
    and with `read_only` once the client disconnects. A client serves one thread at a time. Raises
    ClickHouseUnavailable or Misconfigured.
    """
    if seconds is not None:
        settings = settings.model_copy(update={"clickhouse_timeout_seconds": seconds})
    parts = urlsplit(settings.clickhouse_url)
    password = settings.clickhouse_password.get_secret_value()
    with translate_errors():
        return clickhouse_connect.get_client(
            interface=parts.scheme,
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            username=settings.clickhouse_user,
            password=password,
            ca_cert=settings.clickhouse_ca_file or None,
            client_cert=settings.clickhouse_cert_file or None,
            client_cert_key=settings.clickhouse_key_file or None,
            # With a certificate alone the driver would not send the password.
            tls_mode="strict" if password else None,
            database=database or settings.clickhouse_database,
            connect_timeout=5,
            send_receive_timeout=settings.clickhouse_timeout_seconds,
            # A session permits one query at a time, and nothing here needs one.
            autogenerate_session_id=False,
            # The callers retry: they know that inserting a row twice changes nothing.
            query_retries=0,
            settings={
                **_limits(settings),
                **(READ_ONLY if read_only else {}),
                **_consistent(settings),
            },
        )


def _limits(settings: ClickHouseSettings) -> dict[str, float]:
    """Return what a query may use at the server, where the settings limit it."""
    limits = {
        "max_execution_time": settings.clickhouse_timeout_seconds * _SERVER_SHARE,
        "max_memory_usage": settings.clickhouse_max_memory_bytes,
        "max_threads": settings.clickhouse_max_threads,
    }
    return {name: limit for name, limit in limits.items() if limit}


def _consistent(settings: ClickHouseSettings) -> dict[str, str | int]:
    """Return the settings that make several replicas as consistent as one server.

    docs/explanation/architecture.md explains each of them.
    """
    if not settings.clickhouse_cluster:
        return {}
    milliseconds = int(settings.clickhouse_timeout_seconds * 1000)
    return {
        "insert_quorum": "auto",
        "insert_quorum_parallel": 0,
        # Shorter than max_execution_time, so that the client learns that the outcome is unknown.
        "insert_quorum_timeout": milliseconds * 4 // 5,
        "select_sequential_consistency": 1,
        # A repeated block is intended: the table may have been restored without the first one.
        "insert_deduplicate": 0,
        "alter_sync": 2,
        "mutations_sync": 2,
        "distributed_ddl_output_mode": "throw",
    }


@cache
def read_sql(directory: Path, name: str) -> str:
    """Return the text of `<directory>/<name>.sql`; cached."""
    return (directory / f"{name}.sql").read_text(encoding="utf-8")


def stream_chunks(
    client: Client, sql: str, fmt: str, parameters: Mapping[str, object] | None = None
) -> Iterator[bytes]:
    """Yield the response to a query in a format of ClickHouse, without holding it in memory.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    with translate_errors():
        stream = client.raw_stream(
            sql,
            parameters=dict(parameters or {}),
            fmt=fmt,
            # Otherwise an error after the first rows would arrive as rows.
            transport_settings={"wait_end_of_query": "1"},
        )
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def query_array(client: Client, sql: str, **parameters: object) -> Sequence[Any]:
    """Return the array into which a query without GROUP BY aggregates what it finds.

    It is one row, so that a truncated response never looks like a shorter list. Raises
    ClickHouseUnavailable or Misconfigured.
    """
    with translate_errors():
        rows = client.query(sql, parameters=parameters).result_rows
    if len(rows) != 1:  # a proxy truncated the response
        raise ClickHouseUnavailable("ClickHouse sent an incomplete response")
    array: Sequence[Any] = rows[0][0]
    return array


def query_rows(
    client: Client, directory: Path, name: str, /, **parameters: object
) -> Sequence[Sequence[Any]]:
    """Return the rows of `<directory>/<name>.sql`.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    with translate_errors():
        rows: Sequence[Sequence[Any]] = client.query(
            read_sql(directory, name), parameters=parameters
        ).result_rows
    return rows
