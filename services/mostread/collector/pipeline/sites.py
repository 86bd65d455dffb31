"""The sites that are counted, and what holds for each: origins, networks, public types.

`news,sport` names sites that keep to the general settings. Where sites differ it is a JSON
object, `{"news": {"origins": ["https://news.example"]}, "sport": {}}`; what a site leaves out
is again as the general setting says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import msgspec

from mostread.collector.pipeline.event import SITE_CHARACTERS
from mostread.collector.pipeline.ip import Networks
from mostread.core.events import CANARY_SITE, EventType

TYPES = get_args(EventType)
_ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9.\[\]:-]+")
_FORM = 'write names, "news,sport", or a JSON object, {"news": {"origins": ["https://a.example"]}}'


@dataclass(frozen=True)
class Rules:
    """What holds for a site. Without `origins` every page may send its events."""

    origins: tuple[str, ...]
    excluded_networks: Networks
    public_types: frozenset[str]

    def lets_in(self, origin: str) -> bool:
        """Whether a page of this origin may send events; `*.` stands for every name before."""
        if not self.origins:
            return True
        scheme, _, host = origin.partition("://")
        return origin in self.origins or any(
            allowed.startswith(f"{scheme}://*.") and host.endswith(allowed.partition("*")[2])
            for allowed in self.origins
        )


class _Site(msgspec.Struct, forbid_unknown_fields=True):
    origins: list[str] | None = None
    excluded_networks: list[str] | None = None
    public_types: list[str] | None = None


class Sites:
    """The rules by site; without names every site is counted, by the general rules."""

    def __init__(self, general: Rules, named: dict[str, Rules] | None) -> None:
        self.general = general
        self.named = named

    def __getitem__(self, site: str) -> Rules:
        """Return the rules of a site; of one that is not named, the general ones."""
        return self.named.get(site, self.general) if self.named else self.general

    @property
    def all_rules(self) -> Sequence[Rules]:
        return [self.general, *(self.named or {}).values()]


def parse(sites: str, general: Rules) -> Sites:
    """Read the sites; raises ValueError that says what to write instead."""
    sites = sites.strip()
    if not sites:
        return Sites(general, None)
    if not sites.startswith("{"):
        names = filter(None, map(str.strip, sites.split(",")))
        return Sites(general, {_name(name): general for name in names})
    try:
        found = msgspec.json.decode(sites, type=dict[str, _Site])
    except msgspec.DecodeError as error:
        raise ValueError(f"{error}; {_FORM}") from None
    return Sites(general, {_name(name): _rules(site, general) for name, site in found.items()})


def _name(name: str) -> str:
    if not SITE_CHARACTERS.fullmatch(name) or len(name) > 64:
        raise ValueError(f"{name!r} cannot be a site, which is made of A-Z a-z 0-9 . _ -; {_FORM}")
    if name == CANARY_SITE:
        raise ValueError(f"{name!r} is the canary's own site, which needs no setting; {_FORM}")
    return name


def _rules(site: _Site, general: Rules) -> Rules:
    rules = general
    if site.origins is not None:
        rules = replace(rules, origins=origins(",".join(site.origins)))
    if site.excluded_networks is not None:
        rules = replace(rules, excluded_networks=Networks(",".join(site.excluded_networks)))
    if site.public_types is not None:
        rules = replace(rules, public_types=public_types(",".join(site.public_types)))
    return rules


def origins(text: str) -> tuple[str, ...]:
    """Read origins, separated by commas. Raises ValueError."""
    found = tuple(filter(None, (each.strip().lower() for each in text.split(","))))
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no origin; write https://news.example or https://*.news.example, "
                "with no path behind it, separated by commas"
            )
    return found


def public_types(text: str) -> frozenset[str]:
    """Read types of events, separated by commas. Raises ValueError."""
    found = frozenset(filter(None, map(str.strip, text.split(","))))
    if unknown := sorted(found.difference(TYPES)):
        raise ValueError(f"{unknown[0]!r} is no type of event; write some of {', '.join(TYPES)}")
    return found
