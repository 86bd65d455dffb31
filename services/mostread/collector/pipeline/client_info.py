"""The client of a request: address, network, user agent and role.

A proxy appends the address of its peer to a header; everything to the left of that entry may be
forged by the client. The header is therefore read from the right: each address is believed only
while the hop that wrote it is a trusted proxy, and the first untrusted address is the client.
Only the configured header is read, because a proxy passes the other one on unchanged.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from mostread.core.bots import MAX_USER_AGENT_LENGTH
from mostread.infra.auth.tokens import Role
from mostread.infra.http.messages import Headers
from mostread.infra.logging import get_logger

log = get_logger(__name__)

FORWARDED = "Forwarded"

_CACHE_SIZE = 20_000
"""Addresses whose parsed form is cached: readers return."""
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")


class Networks:
    """A set of IP networks."""

    def __init__(self, text: str) -> None:
        """Parse networks or addresses separated by commas. Raises ValueError."""
        self._networks = tuple(map(_network, filter(None, map(str.strip, text.split(",")))))
        self._cached_contains = lru_cache(_CACHE_SIZE)(self._contains)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return bool(self._networks) and self._cached_contains(address)

    def _contains(self, address: str) -> bool:
        if not address:
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address, "
            "separated by commas"
        ) from None


@lru_cache(_CACHE_SIZE)
def normalize_address(text: str) -> str:
    """Return an address in canonical form, without a port; empty if `text` is not an address.

    An IPv4 address that arrived over an IPv6 socket (::ffff:192.0.2.1) becomes an IPv4 address.
    """
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


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
    """Resolve the address of a client behind trusted proxies."""

    def __init__(self, trusted: Networks, header: str) -> None:
        self._trusted = trusted
        self._header = header
        self._warned = False

    def resolve(self, request: PeerRequest) -> str:
        """Return the client's address; empty if it has none, as on a Unix socket."""
        address = normalize_address(request.peer)
        if address not in self._trusted:
            if not self._warned and request.headers.get(self._header):
                self._warned = True
                log.warning(
                    "forwarded_header_not_trusted",
                    header=self._header,
                    peer=address,
                    advice="if this is your own proxy, add its network to "
                    "MOSTREAD_COLLECTOR_TRUSTED_PROXIES; until then all readers behind it count "
                    "as one address",
                )
            return address
        for hop in reversed(",".join(request.headers.get_all(self._header)).split(",")):
            previous = normalize_address(
                _forwarded_for(hop) if self._header == FORWARDED else hop.strip()
            )
            if not previous:  # "unknown", or a value that a trusted proxy does not write
                break
            address = previous
            if address not in self._trusted:
                break
        return address


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
    behalf of readers: its address and user agent are not theirs.
    """

    # Created once per request: a frozen dataclass would take twice as long.
    __slots__ = ("address", "headers", "is_server", "network", "role", "sent_at", "user_agent")

    def __init__(
        self,
        address: str,
        headers: Headers,
        role: Role | None = None,
    ) -> None:
        self.address = address
        self.network = client_network(address)
        self.headers = headers
        self.user_agent = headers.get("User-Agent", "")[:MAX_USER_AGENT_LENGTH]
        self.role = role
        self.is_server = role is Role.EMIT
        self.sent_at: int | None = None

    @property
    def origin(self) -> str | None:
        """The origin of the sending page in lower case, or None if no header names one."""
        origin = self.headers.get("Origin")
        if origin is None and (referer := self.headers.get("Referer")):
            origin = "/".join(referer.split("/", 3)[:3])
        return None if origin is None else origin.lower()
