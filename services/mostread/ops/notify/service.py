"""The service of `mostread notify`, and its test message."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import aiohttp

from mostread.errors import MostreadError
from mostread.infra.clock import now_ms
from mostread.infra.http.application import Application
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.operations import add_operational_routes, new_registry
from mostread.infra.http.server import serving, stop_signal
from mostread.infra.logging import get_logger
from mostread.ops.notify.config import NotifySettings
from mostread.ops.notify.delivery import Courier
from mostread.ops.notify.mail import MailSender
from mostread.ops.notify.metrics import NotifyMetrics
from mostread.ops.notify.ranking import RankingReader
from mostread.ops.notify.sample import sample_message
from mostread.ops.notify.state import State
from mostread.ops.notify.subscriptions import Subscription
from mostread.ops.notify.targets import Channel, Sender, Target, all_targets, targets_of
from mostread.ops.notify.watch import Watcher
from mostread.ops.notify.web import WebhookSender

log = get_logger(__name__)


def _now() -> datetime:
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


@asynccontextmanager
async def _sending(settings: NotifySettings) -> AsyncIterator[Mapping[Channel, Sender]]:
    """Yield the senders by channel."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(force_close=True)
    ) as web:
        seconds = settings.notify_timeout_seconds
        yield {
            "webhook": WebhookSender(web, seconds, slack=False),
            "slack": WebhookSender(web, seconds, slack=True),
            "mail": MailSender(settings),
        }


async def send_test(
    settings: NotifySettings, subscriptions: Sequence[Subscription]
) -> list[tuple[Subscription, Target, MostreadError | None]]:
    """Send a sample to each target of each subscription; return the outcomes in order."""
    outcomes: list[tuple[Subscription, Target, MostreadError | None]] = []
    async with _sending(settings) as senders:
        for subscription in subscriptions:
            message = sample_message(subscription, settings.public_url, _now())
            for target in targets_of(subscription):
                error: MostreadError | None = None
                try:
                    await senders[target.channel].send(target.address, message)
                except MostreadError as refusal:
                    error = refusal
                outcomes.append((subscription, target, error))
    return outcomes


async def serve(settings: NotifySettings, subscriptions: Sequence[Subscription]) -> None:
    """Watch for all subscriptions and deliver their messages until a signal."""
    stop = stop_signal()
    registry = new_registry(settings.revision)
    metrics = NotifyMetrics(registry)
    with closing(State(settings.notify_state_file)) as state:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            _sending(settings) as senders,
        ):
            targets = all_targets(subscriptions)
            couriers = [Courier(each, senders, state, metrics, _now) for each in targets]
            for courier in couriers:
                courier.discard_interrupted()
            if number := state.remove_other_targets([each.key for each in targets]):
                log.warning("messages_without_target", number=number)
            metrics.count_queued(state.queued)
            watchers = [
                Watcher(
                    each,
                    reader=RankingReader(http, settings),
                    state=state,
                    couriers={courier.target.key: courier for courier in couriers},
                    metrics=metrics,
                    public_url=settings.public_url,
                    clock=_now,
                )
                for each in subscriptions
            ]

            async def check_lists() -> str | None:
                return _errors((each.subscription.name, each.error) for each in watchers)

            async def check_delivery() -> str | None:
                return _errors((each.target.name, each.error) for each in couriers)

            app = Application(settings)
            add_operational_routes(
                app, checks={"lists": check_lists, "delivery": check_delivery}, registry=registry
            )
            endpoint = Endpoint(settings.notify_host, settings.notify_port, "MOSTREAD_NOTIFY_PORT")
            async with serving(app, endpoint, settings), asyncio.TaskGroup() as tasks:
                for courier in couriers:
                    tasks.create_task(courier.run())
                watching = [
                    tasks.create_task(each.run(settings.notify_interval_seconds))
                    for each in watchers
                ]
                await stop.wait()
                for task in watching:
                    task.cancel()
                for courier in couriers:
                    courier.stop()
    log.info("stopped")


def _errors(errors: Iterable[tuple[str, str | None]]) -> str | None:
    return "; ".join(f"{name}: {error}" for name, error in errors if error) or None
