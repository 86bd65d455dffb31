"""Configured sites and their rules: origins, excluded networks, public types.

`news,sport` names sites that use the general settings. If sites differ, the setting is a JSON
object, `{"news": {"origins": ["https://news.example"]}, "sport": {}}`; a site without a key uses
the general setting for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import msgspec

from mostread.collector.pipeline.event import SITE_CHARACTERS
from mostread.collector.pipeline.page_proxies import publisher_hosts
from mostread.core.events import CANARY_SITE, EventType
from mostread.infra.http.networks import Networks

TYPES = get_args(EventType)
SCHEMES = ("https", "http")
_ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9.\[\]:-]+")
_FORM = 'write names, "news,sport", or a JSON object, {"news": {"origins": ["https://a.example"]}}'


@dataclass(frozen=True)
class SiteRules:
    """Rules of one site. Without `origins`, pages of any origin may send its events."""

    origins: tuple[str, ...]
    excluded_networks: Networks
    public_types: frozenset[str]

    def allows_origin(self, origin: str) -> bool:
        """Return whether pages of this origin may send events; `*.` matches any subdomain.

        A page of an allowed origin may also be served by an AMP cache or Google Translate.
        """
        if not self.origins or self._is_own(origin):
            return True
        hosts = publisher_hosts(origin)
        return any(self._is_own(f"{scheme}://{host}") for host in hosts for scheme in SCHEMES)

    def _is_own(self, origin: str) -> bool:
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
    """Rules by site; without names, every site is counted under the general rules."""

    def __init__(self, general: SiteRules, named: dict[str, SiteRules] | None) -> None:
        self.general = general
        self.named = named

    def __getitem__(self, site: str) -> SiteRules:
        """Return the rules of a site, or the general ones if it is not named."""
        return self.named.get(site, self.general) if self.named else self.general

    @property
    def all_rules(self) -> Sequence[SiteRules]:
        return [self.general, *(self.named or {}).values()]


def parse(sites: str, general: SiteRules) -> Sites:
    """Parse the setting. Raises ValueError with the expected form."""
    sites = sites.strip()
    if not sites:
        return Sites(general, None)
    if not sites.startswith("{"):
        names = filter(None, map(str.strip, sites.split(",")))
        return Sites(general, {_name(name): general for name in names})
    try:
        decoded = msgspec.json.decode(sites, type=dict[str, _Site])
    except msgspec.DecodeError as error:
        raise ValueError(f"{error}; {_FORM}") from None
    return Sites(general, {_name(name): _rules(site, general) for name, site in decoded.items()})


def _name(name: str) -> str:
    if not SITE_CHARACTERS.fullmatch(name) or len(name) > 64:
        raise ValueError(
            f"{name!r} is not a site; a site has 1 to 64 characters of A-Z a-z 0-9 . _ -; {_FORM}"
        )
    if name == CANARY_SITE:
        raise ValueError(f"{name!r} is reserved for the canary; remove it, or {_FORM}")
    return name


def _rules(site: _Site, general: SiteRules) -> SiteRules:
    rules = general
    if site.origins is not None:
        rules = replace(rules, origins=origins(",".join(site.origins)))
    if site.excluded_networks is not None:
        rules = replace(rules, excluded_networks=Networks(",".join(site.excluded_networks)))
    if site.public_types is not None:
        rules = replace(rules, public_types=public_types(",".join(site.public_types)))
    return rules


def origins(text: str) -> tuple[str, ...]:
    """Parse origins separated by commas. Raises ValueError."""
    parsed = tuple(filter(None, (origin.strip().lower() for origin in text.split(","))))
    for origin in parsed:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin; write https://news.example or "
                "https://*.news.example, without a path, separated by commas"
            )
    return parsed


def public_types(text: str) -> frozenset[str]:
    """Parse event types separated by commas. Raises ValueError."""
    parsed = frozenset(filter(None, map(str.strip, text.split(","))))
    if unknown := sorted(parsed.difference(TYPES)):
        raise ValueError(f"{unknown[0]!r} is not an event type; write some of {', '.join(TYPES)}")
    return parsed
