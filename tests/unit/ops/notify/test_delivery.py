"""Delivery of queued messages to a real webhook."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from mostread.ops.notify.delivery import Courier
from mostread.ops.notify.metrics import NotifyMetrics
from mostread.ops.notify.state import State
from mostread.ops.notify.targets import Target
from mostread.ops.notify.web import WebhookSender
from tests.support.receivers import Webhook, webhook
from tests.unit.ops.notify.examples import NOW, message

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    with webhook() as server:
        yield server


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with closing(State(str(tmp_path / "notify.sqlite3"))) as state:
        yield state


class Outcomes:
    """The registry of a courier's metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = NotifyMetrics(self.registry)

    def __getitem__(self, outcome: str) -> float | None:
        labels = {"channel": "webhook", "outcome": outcome}
        return self.registry.get_sample_value("mostread_notify_messages_total", labels)


def queue(state: State, receiver: Webhook, *ids: str, expires_at: datetime = LATER) -> None:
    target = Target("webhook", receiver.url)
    messages = [(target.key, message(id=each), expires_at) for each in ids]
    state.record("City desk", NOW, messages=messages)


def received(receiver: Webhook) -> list[str]:
    return [body["id"] for body in receiver.bodies]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  what another thread changes
            await asyncio.sleep(0.01)


@asynccontextmanager
async def delivering(
    state: State, receiver: Webhook, outcomes: Outcomes, seconds: float = 30
) -> AsyncIterator[Courier]:
    """Run a courier until the end of the block."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        sender = WebhookSender(session, seconds, slack=False)
        target = Target("webhook", receiver.url)
        courier = Courier(target, {"webhook": sender}, state, outcomes.metrics, clock=lambda: NOW)
        courier.discard_interrupted()
        tasks.create_task(courier.run())
        yield courier
        courier.stop()


async def test_messages_arrive_in_order_although_the_first_is_refused_for_now(
    state: State, receiver: Webhook
) -> None:
    receiver.statuses = [503, 429]
    queue(state, receiver, "m1", "m2")
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes) as courier:
        await until(lambda: outcomes["sent"] == 2)
        assert courier.error is None
    assert received(receiver) == ["m1", "m1", "m1", "m2"]
    assert state.queued() == 0
    delays = outcomes.registry.get_sample_value(
        "mostread_notify_delays_total", {"channel": "webhook"}
    )
    assert delays == 2


async def test_message_that_is_queued_later_wakes_the_courier(
    state: State, receiver: Webhook
) -> None:
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes) as courier:
        await asyncio.sleep(0)
        queue(state, receiver, "m1")
        courier.wake()
        await until(lambda: outcomes["sent"] == 1)


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "refused"), (0, "unconfirmed")], ids=["refused", "unconfirmed"]
)
async def test_message_that_may_not_be_repeated_is_given_up_and_the_next_is_sent(
    state: State, receiver: Webhook, status: int, outcome: str
) -> None:
    receiver.statuses = [status]
    queue(state, receiver, "m1", "m2")
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes):
        await until(lambda: outcomes["sent"] == 1)
    assert outcomes[outcome] == 1
    assert received(receiver) == ["m1", "m2"]


async def test_message_that_is_too_old_is_not_sent(state: State, receiver: Webhook) -> None:
    queue(state, receiver, "m1", expires_at=NOW)
    queue(state, receiver, "m2")
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes):
        await until(lambda: outcomes["sent"] == 1)
    assert outcomes["expired"] == 1
    assert received(receiver) == ["m2"]


async def test_stop_waits_for_the_message_that_is_being_sent(
    state: State, receiver: Webhook
) -> None:
    receiver.hold.clear()
    queue(state, receiver, "m1", "m2")
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes) as courier:
        await until(lambda: len(receiver.bodies) == 1)
        courier.stop()
        receiver.hold.set()
    assert outcomes["sent"] == 1
    async with delivering(state, receiver, outcomes):
        await until(lambda: outcomes["sent"] == 2)
    assert received(receiver) == ["m1", "m2"]


async def test_message_that_a_crash_interrupted_is_not_sent_again(
    state: State, receiver: Webhook
) -> None:
    queue(state, receiver, "m1", "m2")
    queued = state.next(Target("webhook", receiver.url).key)
    assert queued is not None
    state.mark(queued.number, sending=True)
    outcomes = Outcomes()
    async with delivering(state, receiver, outcomes):
        await until(lambda: outcomes["sent"] == 1)
    assert outcomes["unconfirmed"] == 1
    assert received(receiver) == ["m2"]
