"""Keep what aliases finally stand for in ClickHouse, so that queries need one lookup."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from clickhouse_connect.driver.client import Client

from mostread.aggregator.repository import SYNCHRONOUS, OnInsert
from mostread.aggregator.retry import Retrier
from mostread.core.editorial.aliases import AliasRow, canonical_ids
from mostread.errors import ClickHouseUnavailable, MostreadError
from mostread.infra.clickhouse.client import query_rows, translate_errors
from mostread.infra.logging import get_logger

log = get_logger(__name__)

CHECK_SECONDS = 30.0
"""How often to look for aliases that other workers have written."""

_PAUSE_SECONDS = 1.0
_SQL = Path(__file__).parent / "sql"
_COLUMNS = ("site", "article_id", "canonical_id", "version")


class AliasTables:
    """The tables of aliases, for one thread at a time. Methods raise as CounterRepository's do."""

    def __init__(
        self, connect: Callable[[], Client], on_insert: OnInsert = lambda *_: None
    ) -> None:
        self._connect = connect
        self._on_insert = on_insert
        self._client: Client | None = None
        self._state: Sequence[Any] | None = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def write(self, rows: Sequence[AliasRow]) -> None:
        """Write aliases. Per former id, the row with the highest version wins."""
        with self._connected() as client:
            self._insert(client, "alias_versions", AliasRow._fields, rows)

    def resolve(self) -> int:
        """Write what has changed since the last call; return how many rows.

        Every worker may do so at any time: the rows that were derived from the latest aliases win.
        """
        with self._connected() as client:
            return self._resolve(client)

    def _resolve(self, client: Client) -> int:
        [state] = query_rows(client, _SQL, "alias_state")
        if state == self._state:
            return 0
        aliases, read_at = _complete(query_rows(client, _SQL, "aliases"))
        stored_rows, _ = _complete(query_rows(client, _SQL, "canonical_ids"))
        stored = {(site, alias): final for site, alias, final in stored_rows}
        canonical = canonical_ids(AliasRow(*row) for row in aliases)
        changed = [
            (*alias, canonical.get(alias, ""), read_at)
            for alias in canonical.keys() | stored.keys()
            if canonical.get(alias) != stored.get(alias)
        ]
        self._insert(client, "canonical_id_versions", _COLUMNS, changed)
        self._state = state
        return len(changed)

    def _insert(
        self, client: Client, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        if not rows:
            return
        began = time.perf_counter()
        with translate_errors():
            client.insert(table, rows, column_names=columns, settings=SYNCHRONOUS)
        self._on_insert(table, len(rows), time.perf_counter() - began)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except MostreadError:
            self.close()
            raise


def _complete(rows: Sequence[Sequence[Any]]) -> tuple[list[Sequence[Any]], Any]:
    """Return the rows, and the last value of the one that marks a complete response."""
    complete = [row for row in rows if row[0]]
    if len(complete) != len(rows) - 1:
        raise ClickHouseUnavailable("ClickHouse sent an incomplete response")
    return complete, next(row[-1] for row in rows if not row[0])


class AliasResolver:
    """Runs `AliasTables.resolve` when aliases were written, and regularly."""

    def __init__(self, tables: AliasTables, *, retrier: Retrier, executor: Executor) -> None:
        """`executor` runs blocking calls of `tables`, in one thread."""
        self.tables = tables
        self._retrier = retrier
        self._executor = executor
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Resolve soon: aliases were written."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Resolve until cancelled."""
        while True:
            self._changed.clear()
            written = await self._retrier.call_in_thread(
                "clickhouse", self._executor, self.tables.resolve
            )
            if written:
                log.info("aliases_resolved", changed=written)
            # A migration writes many aliases within seconds.
            await asyncio.sleep(_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._changed.wait()
