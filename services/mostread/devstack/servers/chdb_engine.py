"""chdb, the ClickHouse engine as a library: run one statement in this process."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import chdb

NAME = rb'(?:`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|\w+)'
# An insert followed by its data. The data starts after blanks and exactly one newline: one byte
# more is data, and 0x0A is how a Native block of ten columns begins.
INSERT = re.compile(
    rb"\s*(?P<into>INSERT\s+INTO\s+(?:TABLE\s+)?%(name)s(?:\s*\.\s*%(name)s)?\s*(?:\([^()]*\))?)"
    rb"\s*(?P<settings>(?:SETTINGS\s[^;]*?)?)\s*\b(?P<format>FORMAT\s+\w+)[ \t]*\r?\n?"
    % {b"name": NAME},
    re.IGNORECASE,
)
FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*(?:SETTINGS\s[^;]*)?;?\s*$", re.IGNORECASE)
CODE = re.compile(r"Code: (\d+)\. DB::Exception")


class StatementError(Exception):
    """ClickHouse refused a statement; `code` is its error number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def because(cls, code: int, name: str, text: str) -> Self:
        """Return an error in the format of the engine's own."""
        return cls(code, f"Code: {code}. DB::Exception: {text}. ({name})")


@dataclass(frozen=True)
class Statement:
    """The statement of one HTTP request; `body` is the continuation of `query`."""

    query: str
    body: bytes = b""
    database: str = ""
    format: str = "TabSeparated"
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StatementResult:
    """Result of a statement; `format` is None where it has none, as CREATE or INSERT."""

    data: bytes
    format: str | None
    read_rows: int
    written_rows: int
    written_bytes: int


class Engine:
    """ClickHouse on one data directory; `run` is thread-safe."""

    def __init__(self, data: Path) -> None:
        self._path = str(data)
        # Keeps the engine open, so that another connection costs 0.1 ms. Each statement gets its
        # own, and its USE, SET or temporary tables do not affect others.
        self._anchor = chdb.connect(self._path)
        self.timezone = self._anchor.query("SELECT timezone()", "TSVRaw").bytes().decode().strip()

    def run(self, statement: Statement) -> StatementResult:
        """Run one statement. Raises StatementError."""
        connection = self.connect()
        try:
            return _run(connection, statement)
        except (chdb.ChdbError, RuntimeError) as error:
            code = CODE.search(str(error))
            message = str(error)[code.start() :] if code else str(error)
            raise StatementError(int(code[1]) if code else 0, message) from error
        finally:
            connection.close()

    def connect(self) -> Any:
        """Return a connection for one statement."""
        return chdb.connect(self._path)

    def close(self) -> None:
        """Close the data directory, so that another process can open it."""
        self._anchor.close()


def _run(connection: Any, statement: Statement) -> StatementResult:
    if statement.database:
        connection.query(f"USE {_quoted(statement.database, '`')}")
    if statement.settings:
        assignments = (
            f"{_quoted(name, '`')}={_quoted(value, chr(39))}"
            for name, value in statement.settings.items()
        )
        connection.query(f"SET {', '.join(assignments)}")
    text = f"{statement.query}\n".encode() if statement.query else b""
    insert = INSERT.match(text or statement.body)
    if insert:
        rest = text[insert.end() :] + statement.body if text else statement.body[insert.end() :]
        return _insert(connection, insert, rest)
    try:
        sql = (text + statement.body).decode()
    except UnicodeDecodeError as error:
        raise StatementError.because(SYNTAX_ERROR, "SYNTAX_ERROR", f"Not UTF-8: {error}") from error
    return _query(connection, sql, statement)


def _insert(connection: Any, insert: re.Match[bytes], data: bytes) -> StatementResult:
    # From a file in memory: chdb's `send_insert` drops every error after parsing, such as a full
    # disk or a violated constraint, and reports success.
    with os.fdopen(os.memfd_create("insert"), "wb") as file:
        file.write(data)
        file.flush()
        source = b"FROM INFILE '/proc/self/fd/%d'" % file.fileno()
        statement = b" ".join((insert["into"], source, insert["settings"], insert["format"]))
        result = connection.query(statement.decode())
    return StatementResult(b"", None, 0, result.rows_written(), result.bytes_written())


def _query(connection: Any, sql: str, statement: Statement) -> StatementResult:
    kind = connection._conn.classify_query(sql)
    if kind["statement_count"] > 1:
        raise StatementError.because(
            SYNTAX_ERROR, "SYNTAX_ERROR", "Syntax error: Multi-statements are not allowed"
        )
    explicit = FORMAT.search(sql)
    output = explicit[1] if explicit else statement.format
    result = connection.query(sql, output, params=statement.parameters)
    return StatementResult(
        data=result.bytes(),
        format=output if kind["query_class"].name == "READ_ONLY" else None,
        read_rows=result.storage_rows_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
    )


def _quoted(text: str, quote: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


AUTHENTICATION_FAILED = 516
INCORRECT_DATA = 117
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62

_STATUSES: dict[int, frozenset[int]] = {
    # malformed or mismatched input
    400: frozenset(
        (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376)
    )
    | {427, 675, 676},
    401: frozenset((194,)),  # a password is required
    403: frozenset((192, 193, 497, 512, AUTHENTICATION_FAILED)),
    # unknown names: table, column, function, database, setting, format, ...
    404: frozenset((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511)),
    408: frozenset((159,)),
    413: frozenset((229,)),
    501: frozenset((NOT_IMPLEMENTED,)),
    503: frozenset((76, 209, 439)),
}
_BY_CODE = {code: status for status, codes in _STATUSES.items() for code in codes}


def http_status(code: int) -> int:
    """Return the HTTP status for an error number; 500 by default."""
    return _BY_CODE.get(code, 500)
