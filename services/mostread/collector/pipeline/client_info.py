"""The client of a request: address, network, user agent and role.

A proxy appends the address of its peer to a header; everything to the left of that entry may be
forged by the client. The header is therefore read from the right: each address is believed only
while the hop that wrote it is trusted, by its network or its distance, and the first untrusted
address is the client. Only the configured header is read, because a proxy passes others on
unchanged. One with a single address, as CF-Connecting-IP, is a list of one.
"""

import re
from functools import lru_cache
from ipaddress import IPv6Network
from typing import Protocol

from mostread.core.bots import MAX_USER_AGENT_LENGTH
from mostread.infra.auth.tokens import Role
from mostread.infra.http.messages import Headers
from mostread.infra.http.networks import Networks, normalize_address
from mostread.infra.logging import get_logger

log = get_logger(__name__)

FORWARDED = "Forwarded"

_CACHE_SIZE = 20_000
"""Addresses whose parsed form is cached: readers return."""
_LOCAL_ORIGIN = re.compile(
    r"https?://([^/:]+\.)?localhost(:\d+)?|https?://(127\.[\d.]+|\[::1\])(:\d+)?"
)
_LOGGED_CHARACTERS = 100


@lru_cache(_CACHE_SIZE)
def client_network(address: str) -> str:
    """Return the network of a client: its IPv4 address or its IPv6 /64.

    A customer of a provider has a whole /64 of IPv6, and changes addresses daily or at will.
    """
    if ":" not in address:
        return address
    return str(IPv6Network((address, 64), strict=False))


class PeerRequest(Protocol):
    """The parts of a request that identify its sender."""

    @property
    def peer(self) -> str: ...
    @property
    def headers(self) -> Headers: ...


class AddressResolver:
    """Resolve the address of a client behind trusted proxies.

    Trusted are the addresses in `trusted`, and the last `hops` proxies whatever their address.
    """

    def __init__(self, trusted: Networks, header: str, hops: int = 0) -> None:
        self._trusted = trusted
        self._header = header
        self._hops = hops
        self._is_forwarded = header.lower() == FORWARDED.lower()
        self._logged: set[str] = set()

    def resolve(self, request: PeerRequest) -> str:
        """Return the client's address; empty if it has none, as on a Unix socket."""
        peer = address = normalize_address(request.peer)
        values = ",".join(request.headers.get_all(self._header))
        # An empty element says nothing (RFC 9110).
        elements = [element.strip() for element in values.split(",") if element.strip()]
        for index, element in enumerate(reversed(elements)):
            if index >= self._hops and address not in self._trusted:
                if index == 0:
                    self._warn(
                        "forwarded_header_not_trusted",
                        peer=peer,
                        advice="if this is your own proxy, add its network to "
                        "MOSTREAD_COLLECTOR_TRUSTED_PROXIES; until then all readers behind it "
                        "count as one address",
                    )
                break
            previous = normalize_address(
                _forwarded_for(element) if self._is_forwarded else element.strip('"')
            )
            if not previous:  # "unknown", or a value that a trusted proxy does not write
                self._warn(
                    "forwarded_address_not_read",
                    value=element[:_LOGGED_CHARACTERS],
                    proxy=address,
                    advice="make the proxy send an IP address; until then all readers whose "
                    "address it writes like this count as one address",
                )
                break
            address = previous
        return address

    def _warn(self, event: str, **fields: str) -> None:
        """Log a warning the first time: every request may cause it."""
        if event not in self._logged:
            self._logged.add(event)
            log.warning(event, header=self._header, **fields)


def _forwarded_for(element: str) -> str:
    """Return the node of `for=...` in an element of Forwarded (RFC 7239).

    The header was split at every comma, quoted or not: an address contains none, so a quote that
    a client left open cannot swallow what a proxy appended.
    """
    for pair in element.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "for":
            return value.strip('"')
    return ""


class ClientInfo:
    """The client of one request.

    `address` and `network` are empty if unknown. `sent_at` is the client's clock at the time of
    sending, in milliseconds since 1970, or None. `is_server` marks a server that sends events on
    behalf of readers: its address and user agent are not theirs, and it may send those of `sites`
    only, or of all sites if that is empty. `wants_receipts` asks for receipts
    of likes.
    """

    # Created once per request: a frozen dataclass would take twice as long.
    __slots__ = (
        "address",
        "headers",
        "is_server",
        "network",
        "role",
        "sent_at",
        "sites",
        "user_agent",
        "wants_receipts",
    )

    def __init__(
        self,
        address: str,
        headers: Headers,
        role: Role | None = None,
        sites: frozenset[str] = frozenset(),
    ) -> None:
        self.address = address
        self.network = client_network(address)
        self.headers = headers
        self.user_agent = headers.get("User-Agent", "")[:MAX_USER_AGENT_LENGTH]
        self.role = role
        self.sites = sites
        self.is_server = role is Role.EMIT
        self.sent_at: int | None = None
        self.wants_receipts = False

    @property
    def origin(self) -> str | None:
        """The origin of the sending page in lower case, or None if no header names one."""
        origin = self.headers.get("Origin")
        if origin is None and (referer := self.headers.get("Referer")):
            origin = "/".join(referer.split("/", 3)[:3])
        return None if origin is None else origin.lower()

    @property
    def is_developer(self) -> bool:
        """Whether the sending page was served by the client's own machine."""
        origin = self.origin
        return origin is not None and _LOCAL_ORIGIN.fullmatch(origin) is not None
