"""Where messages go: webhooks in mostread's or Slack's format, and mail addresses."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from mostread.errors import MostreadError
from mostread.ops.notify.messages import EditorMessage
from mostread.ops.notify.subscriptions import Subscription

Channel = Literal["webhook", "slack", "mail"]


@dataclass(frozen=True, slots=True)
class Target:
    """An address of one channel, a URL or a mail address."""

    channel: Channel
    address: str

    @property
    def key(self) -> str:
        """Its identity in the state file, which contains no secret URL."""
        return f"{self.channel}:{hashlib.sha256(self.address.encode()).hexdigest()[:32]}"

    @property
    def name(self) -> str:
        """Its name in logs: of a URL the host only, since the path may be a secret."""
        if self.channel == "mail":
            return self.address
        return f"{self.channel} {urlsplit(self.address).hostname}"


def targets_of(subscription: Subscription) -> Iterator[Target]:
    """Yield the targets of a subscription."""
    if subscription.webhook:
        yield Target("webhook", subscription.webhook)
    if subscription.slack:
        yield Target("slack", subscription.slack)
    for address in dict.fromkeys(subscription.mail):
        yield Target("mail", address)


def all_targets(subscriptions: Sequence[Subscription]) -> list[Target]:
    """Return the targets of all subscriptions, each once."""
    return list(dict.fromkeys(each for sub in subscriptions for each in targets_of(sub)))


class NotSent(MostreadError):
    """The message certainly did not arrive, so it may be sent again.

    `retry_after` is the wish of the server in seconds, or 0.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(MostreadError):
    """The server refuses this message for good."""


class Unconfirmed(MostreadError):
    """The connection ended before the server answered; the message may have arrived."""


class Sender(Protocol):
    """Sends messages over one channel."""

    async def send(self, address: str, message: EditorMessage) -> None:
        """Send a message. Raises NotSent, Refused and Unconfirmed."""
        ...
