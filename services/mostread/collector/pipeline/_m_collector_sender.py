"""Who sends events: what a request tells beside its body."""

from multidict import CIMultiDictProxy

from mostread.collector.pipeline.ip import household
from mostread.infra.auth.tokens import Role

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
