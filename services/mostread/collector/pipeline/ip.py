"""Addresses and networks as text: read once, kept in the form they are compared in."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_KEPT = 20_000
"""Readers come again: what was worked out of their addresses is kept, of so many."""

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")


class Networks:
    """Some networks, which an address is in or not."""

    def __init__(self, text: str) -> None:
        """Read networks or addresses, separated by commas. Raises ValueError."""
        self._networks = tuple(map(_network, filter(None, map(str.strip, text.split(",")))))
        self._has = lru_cache(_KEPT)(self._look)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return bool(self._networks) and self._has(address)

    def _look(self, address: str) -> bool:
        if not address:
            return False
        wanted = ip_address(address)
        return any(wanted in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is no network; write 192.0.2.0/24, 2001:db8::/32 or a single address, "
            "separated by commas"
        ) from None


@lru_cache(_KEPT)
def normal(text: str) -> str:
    """Return an address in one spelling, without a port; empty where `text` holds none.

    An IPv4 address that came over an IPv6 socket (::ffff:192.0.2.1) is an IPv4 address.
    """
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


@lru_cache(_KEPT)
def household(address: str) -> str:
    """Return what one customer of a provider has: an IPv4 address, or the /64 of an IPv6 one.

    Whoever has an IPv6 address has 2^64 of them, and changes them daily or at will.
    """
    if ":" not in address:
        return address
    return str(IPv6Network((address, 64), strict=False))
