"""Metrics of `mostread notify`."""

from collections.abc import Callable
from enum import StrEnum
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from mostread.ops.notify.messages import AlertKind
from mostread.ops.notify.targets import Channel


class Outcome(StrEnum):
    """Outcome of a message: a closed set."""

    SENT = "sent"
    """The server accepted it."""
    REFUSED = "refused"
    """The server refused it for good."""
    EXPIRED = "expired"
    """It could not be sent while it was of use."""
    UNCONFIRMED = "unconfirmed"
    """The connection or the process ended during the sending; it may have arrived."""
    DROPPED = "dropped"
    """Too many newer messages waited for the same target."""


class NotifyMetrics:
    """The metrics of notifications, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        messages = Counter(
            "mostread_notify_messages_total",
            "Messages by outcome: sent, refused by the server, expired before they "
            "could be sent, unconfirmed because the connection or the process ended, or dropped "
            "because too many waited.",
            ["channel", "outcome"],
            registry=registry,
        )
        delays = Counter(
            "mostread_notify_delays_total",
            "Attempts that failed and are repeated.",
            ["channel"],
            registry=registry,
        )
        alerts = Counter(
            "mostread_notify_alerts_total",
            "Alerts sent to subscriptions: rises, falls, marked.",
            ["kind"],
            registry=registry,
        )
        self._queued = Gauge(
            "mostread_notify_queued_messages", "Messages that wait.", registry=registry
        )
        self._checked_at = Gauge(
            "mostread_notify_last_success_timestamp_seconds",
            "Unix time at which the lists of a subscription were last read and compared; initially "
            "the start time.",
            ["subscription"],
            registry=registry,
        )
        channels: tuple[Channel, ...] = get_args(Channel)
        self._messages = {
            (channel, outcome): messages.labels(channel, outcome)
            for channel in channels
            for outcome in Outcome
        }
        self.delays = {channel: delays.labels(channel) for channel in channels}
        self.alerts = {kind: alerts.labels(kind) for kind in get_args(AlertKind)}

    def count_queued(self, queued: Callable[[], float]) -> None:
        """Read the number of waiting messages whenever metrics are requested."""
        self._queued.set_function(queued)

    def checked(self, subscription: str) -> None:
        """Note that a subscription was served, or begins."""
        self._checked_at.labels(subscription).set_to_current_time()

    def finished(self, channel: Channel, outcome: Outcome, number: int = 1) -> None:
        self._messages[channel, outcome].inc(number)
