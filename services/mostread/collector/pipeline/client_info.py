"""From which address a request came, where proxies stand in between.

A proxy appends to a header the address it was asked from; whatever stands left of that, the
client may have written itself. So the header is read from the right, each address is believed
only as long as the one that wrote it is a trusted proxy, and the first that is none is the
client. Only the header that is configured is read: a proxy hands the other on as it came.
"""

from typing import Protocol

from multidict import CIMultiDictProxy

from mostread.collector.pipeline.ip import Networks, household, normal
from mostread.infra.auth.tokens import Role
from mostread.infra.logging import get_logger

log = get_logger(__name__)

FORWARDED = "Forwarded"


class Came(Protocol):
    """As much of a request as tells where it came from."""

    @property
    def remote(self) -> str | None: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...


class Addresses:
    """Finds the address of a client behind the proxies that are trusted."""

    def __init__(self, trusted: Networks, header: str) -> None:
        self._trusted = trusted
        self._header = header
        self._said = False

    def of(self, request: Came) -> str:
        """Return the client's address; empty where there is none, as on a Unix socket."""
        address = normal(request.remote or "")
        if address not in self._trusted:
            if not self._said and self._header in request.headers:
                self._said = True
                log.warning(
                    "forwarded_header_not_trusted",
                    header=self._header,
                    peer=address,
                    advice="if this is a proxy of yours, name its network in "
                    "MOSTREAD_COLLECTOR_TRUSTED_PROXIES: all its readers count as one address",
                )
            return address
        for hop in reversed(",".join(request.headers.getall(self._header, ())).split(",")):
            before = normal(_for(hop) if self._header == FORWARDED else hop.strip())
            if not before:  # "unknown", or what no proxy of ours writes
                break
            address = before
            if address not in self._trusted:
                break
        return address


def _for(element: str) -> str:
    """Return the node of `for=...` in an element of Forwarded (RFC 7239).

    It is cut at every comma before it comes here, quoted or not: an address holds none, and so
    a quote that a client left open cannot swallow what a proxy appended.
    """
    for pair in element.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "for":
            return value.strip('"')
    return ""


_LONGEST_USER_AGENT = 256
"""Beyond it nothing tells readers apart, and every step would pay for it."""


class Sender:
    """The sender of a request; `address` and `household` are empty where none is known.

    `is_server`: it speaks for readers elsewhere, so its address and browser are not theirs.
    """

    # One is made for each request: a frozen dataclass would take twice as long.
    __slots__ = ("address", "headers", "household", "is_server", "role", "user_agent")

    def __init__(
        self, address: str, headers: CIMultiDictProxy[str], role: Role | None = None
    ) -> None:
        self.address = address
        self.household = household(address)
        self.headers = headers
        self.user_agent = headers.get("User-Agent", "")[:_LONGEST_USER_AGENT]
        self.role = role
        self.is_server = role is Role.EMIT

    @property
    def origin(self) -> str | None:
        """The origin of the page that sent it, in lower case; None where no page says so."""
        origin = self.headers.get("Origin")
        if origin is None and (referer := self.headers.get("Referer")):
            origin = "/".join(referer.split("/", 3)[:3])
        return None if origin is None else origin.lower()
