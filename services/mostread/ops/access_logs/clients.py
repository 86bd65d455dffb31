"""The reader's network in an access log: from an address or from a list of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from mostread.collector.pipeline.client_info import client_network
from mostread.infra.http.networks import Networks, normalize_address
from mostread.ops.access_logs.request import EXCERPT_LENGTH

_CACHE_SIZE = 20_000
_NO_ADDRESS = frozenset({"", "-", "unknown", "unix:", "_"})
_NAME = re.compile(r"[\w*][\w.:*+/=@%-]*")
"""A resolved host name, or an address that was anonymised: 203.0.113.xxx, a hash."""

_FOR = re.compile(r'\s*for="?', re.IGNORECASE)
"""The beginning of an element of Forwarded (RFC 7239)."""

_PRIVATE = Networks(
    "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.0/8,100.64.0.0/10,169.254.0.0/16,"
    "::1,fc00::/7,fe80::/10"
)


class ClientResolver:
    """Resolve the reader of a request from the addresses in its line.

    With trusted proxies, a list is read as the collector reads X-Forwarded-For: from the right,
    up to the first address that is not one of them. Without, the first public address is the
    reader's.
    """

    def __init__(self, trusted: Networks) -> None:
        self._trusted = trusted
        self.network = lru_cache(_CACHE_SIZE)(self._network)

    def _network(self, addresses: str, chosen: str = "") -> str:
        """Return the network of the reader.

        `chosen` are the addresses of the field that --client-from names, in front of which the
        peer's stand in only if the header is missing. Raises ValueError without an address.
        """
        if chosen:
            if not any(map(normalize_address, _hops(chosen))) and not _is_missing(chosen):
                raise ValueError(
                    f"no address in the field of --client-from: {chosen[:EXCERPT_LENGTH]!r}"
                )
            addresses = f"{chosen},{addresses}"
        hops = _hops(addresses)
        known = [normalize_address(hop) for hop in hops]
        if not any(known):
            named = [hop for hop in hops if hop.lower() not in _NO_ADDRESS]
            if len(named) == 1 and _NAME.fullmatch(named[0]):
                return named[0].lower()
            raise ValueError(f"no client address in {addresses[:EXCERPT_LENGTH]!r}")
        return client_network(self._last_untrusted(known) if self._trusted else _first(known))

    def _last_untrusted(self, known: list[str]) -> str:
        address = ""
        for hop in reversed(known):
            if not hop:
                if not address:  # "-": the request came without the header
                    continue
                break
            address = hop
            if address not in self._trusted:
                break
        return address


def _hops(addresses: str) -> list[str]:
    return [_FOR.sub("", hop.partition(";")[0]).strip(' "') for hop in addresses.split(",")]


def _is_missing(addresses: str) -> bool:
    # RFC 7239 lets a proxy write a name such as _hidden.
    return all(hop.lower() in _NO_ADDRESS or hop.startswith("_") for hop in _hops(addresses))


def _first(known: list[str]) -> str:
    addresses = [address for address in known if address]
    return next((each for each in addresses if each not in _PRIVATE), addresses[0])


def is_address_list(text: str) -> bool:
    """Return whether a text is an IP address or a list of them."""
    hops = _hops(text)
    known = [normalize_address(hop) for hop in hops if hop != "unknown"]
    return bool(known) and all(known)


def address_notes(columns: Mapping[str, Sequence[tuple[str, str]]], advice: str) -> list[str]:
    """Point out fields of which most values are public addresses other than the client's.

    `columns` are the lines' pairs of the client's addresses and the field, by the field's name,
    which replaces `{}` in `advice`.
    """
    return [
        f"{name} contains addresses, such as {others[0]}; if they are the readers', "
        + advice.format(name)
        for name, pairs in columns.items()
        if len(others := list(_other_addresses(pairs))) * 2 > len(pairs)
    ]


def _other_addresses(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    for client, field in pairs:
        if is_address_list(field):
            reader = _first([normalize_address(hop) for hop in _hops(field)])
            if reader not in _PRIVATE and reader not in map(normalize_address, _hops(client)):
                yield field


@lru_cache(_CACHE_SIZE)
def is_private(network: str) -> bool:
    """Return whether a network, as `ClientResolver` returns it, is a private one."""
    address = normalize_address(network.partition("/")[0])
    return bool(address) and address in _PRIVATE
