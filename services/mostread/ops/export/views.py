"""Exports of the views of ClickHouse, as a stream."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from clickhouse_connect.driver.client import Client

from mostread.core.csv_text import csv_lines
from mostread.infra.clickhouse.client import connect, query_rows, read_sql, stream_chunks
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.ops.export.files import FileSpan, Format

_SQL = Path(__file__).parent / "sql"
_TIMEOUT_SECONDS = 24 * 3600
_FORMATS = {"csv": "JSONCompactEachRowWithNames", "ndjson": "JSONEachRow", "parquet": "Parquet"}

_decoder = msgspec.json.Decoder(list[Any])


class ViewExport:
    """Writes one view. For one thread; `close` it."""

    def __init__(self, settings: ClickHouseSettings, view: str, site: str, form: Format) -> None:
        self._view, self._site, self._format = view, site, form
        self._client: Client = connect(settings, seconds=_TIMEOUT_SECONDS, read_only=True)

    def close(self) -> None:
        self._client.close()

    def as_of(self) -> float:
        """Return up to when events are counted, in seconds since the epoch; 0 if unknown."""
        ((as_of,),) = query_rows(self._client, _SQL, "as_of")
        return float(as_of)

    def write(self, period: FileSpan, out: BinaryIO) -> None:
        """Write the rows of a period, with bounded memory; `totals` and `articles` have no time.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        parameters = {"site": self._site, "start": period.start, "end": period.end}
        sql = read_sql(_SQL, self._view)
        chunks = stream_chunks(self._client, sql, _FORMATS[self._format], parameters)
        out.writelines(_csv(chunks) if self._format == "csv" else chunks)


def _csv(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Yield CSV for chunks of JSON arrays, one per line."""
    pending = b""
    for chunk in chunks:
        lines, _, pending = (pending + chunk).rpartition(b"\n")
        yield csv_lines(_decoder.decode_lines(lines))
