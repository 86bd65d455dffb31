"""Addresses of peers, and sets of networks such as those of trusted proxies."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_CACHE_SIZE = 20_000
"""Addresses whose parsed form is cached: readers return."""

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")
_PADDING = re.compile(r"\b0+(?=\d)")


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
    Some proxies pad IPv4 with zeros (192.000.002.001), which Python rejects.
    """
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2] or ""
    if ":" not in text:
        text = _PADDING.sub("", text)
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
