"""Read aliases, and check new ones against them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mostread.core.article_ids import InvalidArticleId, clean, of_url
from mostread.core.editorial.aliases import WHOLE_SITE, AliasRow, canonical_ids, leads_to
from mostread.errors import InvalidFile
from mostread.infra.clickhouse.client import connect, query_rows
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.ops.imports.files import Columns, invalid_lines, parse_file

_SQL = Path(__file__).parent / "sql"


class ShownAlias(NamedTuple):
    """An alias as it was written, and what it finally stands for: itself, if it has no effect."""

    site: str
    article_id: str
    alias_of: str
    canonical_id: str
    by: str
    written_at: datetime


class Pair(NamedTuple):
    """A former id and the present one, or a former name of a site and the present one."""

    old: str
    new: str


class Circle(InvalidFile):
    """An alias that would stand for itself."""


def read_aliases(settings: ClickHouseSettings) -> list[AliasRow]:
    """Return all aliases. Raises ClickHouseUnavailable or Misconfigured."""
    with closing(connect(settings, read_only=True)) as client:
        return [AliasRow(*row) for row in query_rows(client, _SQL, "aliases")]


def shown(rows: Sequence[AliasRow]) -> list[ShownAlias]:
    """Return aliases with what each finally stands for, sorted."""
    canonical = canonical_ids(rows)
    sites = {site: name for (site, article_id), name in canonical.items() if not article_id}
    return sorted(
        ShownAlias(
            row.site,
            row.article_id,
            row.alias_of,
            canonical.get(
                (sites.get(row.site, row.site) if row.article_id else row.site, row.article_id),
                row.article_id or row.site,
            ),
            row.by,
            datetime.fromtimestamp((row.version >> 20) / 1000, UTC),
        )
        for row in rows
    )


def check_circles(rows: Iterable[AliasRow], site: str | None, pairs: Iterable[Pair]) -> None:
    """Raise Circle for a pair that closes a circle with earlier aliases of its site.

    Without `site` the pairs are names of sites.
    """
    aliases = {
        row.article_id if site else row.site: row.alias_of
        for row in rows
        if (row.site == site if site else row.article_id == WHOLE_SITE)
    }
    for old, new in pairs:
        if old == new:
            raise Circle(f"{old} cannot be an alias of itself; name another one")
        if leads_to(aliases, new, old):
            command = "mostread alias site --remove" if site is None else "mostread alias remove"
            raise Circle(
                f"{old} cannot be an alias of {new}, which is an alias of it; remove that one "
                f"first: {command} {new}"
            )
        aliases[old] = new


def article_id(text: str) -> str:
    """Return an id, or that of an address. Raises ValueError."""
    try:
        return of_url(text) if text.startswith(("http://", "https://")) else clean(text)
    except InvalidArticleId as error:
        raise ValueError(str(error)) from error


def read_pairs(content: bytes, name: str) -> list[Pair]:
    """Return the pairs of a CSV or NDJSON file with the columns old and new.

    Raises InvalidFile with the invalid lines.
    """
    pairs, errors = [], []
    for line in parse_file(content, name, _COLUMNS):
        try:
            if isinstance(line.content, str):
                raise ValueError(line.content)
            pairs.append(Pair(*(article_id(str(line.content.get(each, ""))) for each in _NAMES)))
        except ValueError as error:
            errors.append(f"line {line.number}: {error}")
    if errors:
        raise invalid_lines(errors)
    return pairs


_NAMES = ("old", "new")
_COLUMNS = Columns(_NAMES, _NAMES, dict)
