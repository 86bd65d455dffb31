"""Aliases: former ids of articles and former names of sites, as records and as rows.

The record of an alias has the key `alias:<site>:<article_id>`, without an article id where a whole
site is renamed. Its value names the article or site that the alias stands for. Counts stay under
the id that the events named; lists add those of the aliases to the article. A record with `deleted`
takes the alias back. So does one without a value, until Kafka's compaction removes it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from mostread.core.events import Name64, Name128
from mostread.errors import InvalidEvent

WHOLE_SITE = ""
"""In place of an article id: the alias is the former name of a site."""


class Alias(msgspec.Struct, omit_defaults=True, frozen=True):
    """The value of a record; `by` is the name of the token that wrote it."""

    site: Name64
    article_id: Annotated[str, msgspec.Meta(max_length=128)] = WHOLE_SITE
    alias_of: Name128 | None = None
    by: str = ""
    deleted: bool = False


class AliasRow(NamedTuple):
    """A row of `alias_versions`; `alias_of` is empty once the alias is deleted."""

    site: str
    article_id: str
    alias_of: str
    by: str
    version: int


class WrittenAlias(NamedTuple):
    """The target of an alias, and the version of its record."""

    alias_of: str
    version: int


K = TypeVar("K", bound=Hashable)

_decoder = msgspec.json.Decoder(Alias)


def alias_key(site: str, article_id: str) -> bytes:
    """Return the record key of an alias."""
    return f"alias:{site}:{article_id}".encode()


def alias_row(site: str, article_id: str, value: bytes | None, *, version: int) -> AliasRow:
    """Decode a record into a row. Raises InvalidEvent if the value is not a valid alias."""
    if value is None:
        return AliasRow(site, article_id, "", "", version)
    try:
        alias = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", str(error)) from error
    if (alias.site, alias.article_id) != (site, article_id):
        raise InvalidEvent("key", "the key and the value name different articles")
    if alias.deleted:
        return AliasRow(site, article_id, "", alias.by, version)
    if alias.alias_of in (None, site if article_id == WHOLE_SITE else article_id):
        raise InvalidEvent("syntax", "an alias stands for another article or site")
    return AliasRow(site, article_id, alias.alias_of or "", alias.by, version)


def resolve(aliases: Mapping[str, WrittenAlias]) -> dict[str, str]:
    """Return what each alias finally stands for, through aliases of aliases.

    Two writers can close a circle. Its oldest alias then has no effect: an article that moved away
    and back is where it was said to be last.
    """
    resolved: dict[str, str] = {}
    for start in aliases:
        path: list[str] = []
        position: dict[str, int] = {}
        name = start
        while name in aliases and name not in resolved and name not in position:
            position[name] = len(path)
            path.append(name)
            name = aliases[name].alias_of
        if name in position:
            circle = path[position[name] :]
            end = min(circle, key=lambda each: aliases[each].version)
            # The oldest alias is cut, so the others of the circle lead to it.
            path = [*path[: position[name]], *(each for each in circle if each != end)]
            resolved[end] = end
        else:
            end = resolved.get(name, name)
        resolved.update(dict.fromkeys(path, end))
    return {alias: final for alias, final in resolved.items() if alias != final}


def leads_to(aliases: Mapping[K, K], start: K, end: K) -> bool:
    """Return whether `start` is `end`, or an alias of it through others.

    An alias of `end` that stands for `start` would then close a circle.
    """
    seen: set[K] = set()
    while start != end:
        if start in seen or start not in aliases:
            return False
        seen.add(start)
        start = aliases[start]
    return True


def canonical_ids(rows: Iterable[AliasRow]) -> dict[tuple[str, str], str]:
    """Return the canonical id of each alias of an article, and the canonical name of each site.

    Keys are (site, article id) as in AliasRow; aliases of a renamed site are those of its new name.
    Rows without `alias_of` are ignored. Where several of its names have an alias, the latest wins.
    """
    sites: dict[str, WrittenAlias] = {}
    articles: dict[str, dict[str, WrittenAlias]] = defaultdict(dict)
    present = [row for row in rows if row.alias_of]
    for row in present:
        if row.article_id == WHOLE_SITE:
            sites[row.site] = WrittenAlias(row.alias_of, row.version)
    names = resolve(sites)
    for site, article_id, alias_of, _, version in sorted(present, key=lambda row: row.version):
        if article_id != WHOLE_SITE:
            articles[names.get(site, site)][article_id] = WrittenAlias(alias_of, version)
    canonical = {(site, WHOLE_SITE): name for site, name in names.items()}
    for site, aliases in articles.items():
        canonical |= {(site, alias): final for alias, final in resolve(aliases).items()}
    return canonical
