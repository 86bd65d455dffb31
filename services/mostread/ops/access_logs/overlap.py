"""Whether views of the same time are counted already: of events, or of another import."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mostread.core.counting.counters import HOUR
from mostread.infra.clickhouse.client import connect, read_sql, told_apart
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.ops.access_logs.views import KEPT_SECONDS
from mostread.ops.imports.repository import topic_id

_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Span:
    """What is asked about; `first` and `last` are minutes' starts in epoch seconds, inclusive."""

    site: str
    first: int
    last: int


def overlapping(
    settings: ClickHouseSettings, name: str, span: Span, now: int
) -> Sequence[tuple[str, int]]:
    """Return who else has views in `span`, and how many; `now` in epoch seconds.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    parameters = {
        "site": span.site,
        "topic": str(topic_id(name)),
        "first": span.first,
        "last": span.last,
        # A day off the end: until it is merged, what is too old may still be there.
        "minutes_since": (now - KEPT_SECONDS["minute"] + 86_400) // HOUR * HOUR,
    }
    with told_apart(), closing(connect(settings)) as client:
        rows = client.query(read_sql(_SQL, "overlap"), parameters=parameters).result_rows
    return [(whose, int(views)) for whose, views in rows]
