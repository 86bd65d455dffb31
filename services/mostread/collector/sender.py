"""Who sends events: what a request tells beside its body."""

from dataclasses import dataclass

from multidict import CIMultiDictProxy

from mostread.collector.networks import household
from mostread.collector.tokens import Role

_LONGEST_USER_AGENT = 256
"""Beyond it nothing tells readers apart, and every step would pay for it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a request; `address` is empty where it is not known."""

    address: str
    headers: CIMultiDictProxy[str]
    role: Role | None = None

    @property
    def is_server(self) -> bool:
        """Whether it speaks for readers elsewhere: its address and browser are not theirs."""
        return self.role is Role.EMIT

    @property
    def user_agent(self) -> str:
        return self.headers.get("User-Agent", "")[:_LONGEST_USER_AGENT]

    @property
    def origin(self) -> str | None:
        """The origin of the page that sent it, in lower case; None where no page says so."""
        origin = self.headers.get("Origin")
        if origin is None and (referer := self.headers.get("Referer")):
            origin = "/".join(referer.split("/", 3)[:3])
        return None if origin is None else origin.lower()

    @property
    def household(self) -> str:
        return household(self.address)
