"""ClickHouse's errors as mostread's."""

import errno

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ReadTimeoutError

from mostread.errors import (
    ClickHouseUnavailable,
    Misconfigured,
    MostreadError,
    QueryTooLarge,
    StaleEpoch,
)
from mostread.infra.clickhouse.client import translate_errors


def database_error(code: int, message: str) -> DatabaseError:
    error = DatabaseError(message)
    error.code = code
    return error


def timed_out() -> OperationalError:
    error = OperationalError("Read timed out")
    error.__cause__ = ReadTimeoutError(HTTPConnectionPool("127.0.0.1"), "/", "timed out")
    return error


def refused() -> OperationalError:
    error = OperationalError("max retries exceeded")
    error.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    return error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (database_error(60, "Unknown table"), Misconfigured, "a table is missing; run"),
        (database_error(497, "Not enough privileges"), Misconfigured, "grants.sql"),
        (database_error(516, "Failed"), Misconfigured, "check MOSTREAD_CLICKHOUSE_USER"),
        (database_error(469, "Constraint"), StaleEpoch, "has exchanged the tables"),
        (database_error(209, "Socket timeout\nstack"), ClickHouseUnavailable, "Socket timeout$"),
        (database_error(241, "Memory limit\nstack"), QueryTooLarge, "Memory limit$"),
        (database_error(159, "Timeout exceeded"), QueryTooLarge, "Timeout exceeded"),
        (timed_out(), QueryTooLarge, "Read timed out"),
        (refused(), ClickHouseUnavailable, "Connection refused.*MOSTREAD_CLICKHOUSE_URL"),
        (TimeoutError(), ClickHouseUnavailable, "TimeoutError"),
    ],
)
def test_driver_error_is_translated(
    error: Exception, kind: type[MostreadError], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised, translate_errors():
        raise error
    assert raised.type is kind


def test_other_error_passes_unchanged() -> None:
    with pytest.raises(KeyError), translate_errors():
        raise KeyError("bug")
