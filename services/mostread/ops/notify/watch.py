"""Check the lists of a subscription regularly, and queue messages about changes."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from mostread.errors import MostreadError
from mostread.infra.logging import get_logger
from mostread.ops.notify import digest
from mostread.ops.notify.alerts import (
    VISITORS_WINDOW,
    Lists,
    find_alerts,
    in_top,
    left_top,
    story,
    subject_of,
    unreported,
)
from mostread.ops.notify.delivery import Courier
from mostread.ops.notify.messages import Alert, Digest, EditorMessage
from mostread.ops.notify.metrics import NotifyMetrics, Outcome
from mostread.ops.notify.ranking import Item, ListDocument, RankingReader
from mostread.ops.notify.state import State, Subject, TopStory
from mostread.ops.notify.subscriptions import Subscription
from mostread.ops.notify.targets import targets_of

log = get_logger(__name__)

ALERT_LIFETIME = timedelta(hours=1)
"""An alert that could not be sent for an hour is outdated."""
DIGEST_LIFETIME = timedelta(hours=12)

_LISTED = "100"
_TRENDING = "20"


class Watcher:
    """Watches for one subscription; `error` is that of the latest check."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        reader: RankingReader,
        state: State,
        couriers: Mapping[str, Courier],
        metrics: NotifyMetrics,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`couriers` by the key of their target."""
        self.subscription = subscription
        self.error: str | None = "the first check is running"
        self._reader = reader
        self._state = state
        self._couriers = couriers
        self._metrics = metrics
        self._public_url = public_url
        self._clock = clock
        self._selection = [
            ("site", subscription.site),
            *(("section", each) for each in subscription.sections),
            *(("author", each) for each in subscription.authors),
            *(("tag", each) for each in subscription.tags),
            *(("language", each) for each in subscription.languages),
        ]
        metrics.checked(subscription.name)

    async def run(self, interval: float) -> None:
        """Check every `interval` seconds, forever."""
        while True:
            await self._check_safely()
            await asyncio.sleep(interval)

    async def check(self) -> None:
        """Check once. Raises MostreadError; nothing is stored then."""
        now = self._clock()
        if self.subscription.alerts:
            await self._report_alerts(now)
        day = digest.due_day(self.subscription, now)
        reported = self._state.reported(self.subscription.name, now - timedelta(days=2))
        if day is not None and digest.subject_of(day) not in reported:
            composed = await digest.compose(
                self.subscription, day, self._selection, self._reader, self._public_url
            )
            if composed is not None:
                message = self._message(now, composed=composed)
                self._record(now, message, now + DIGEST_LIFETIME, reported=[digest.subject_of(day)])

    async def _check_safely(self) -> None:
        name = self.subscription.name
        try:
            await self.check()
        except MostreadError as error:
            self.error = str(error)
            log.warning("check_failed", subscription=name, error=str(error))
        except Exception as error:  # no subscription may end the service, which serves others
            self.error = repr(error)
            log.exception("check_failed", subscription=name)
        else:
            self.error = None
            self._metrics.checked(name)

    async def _report_alerts(self, now: datetime) -> None:
        subscription = self.subscription
        lists = await self._lists()
        if lists is None:
            log.info("lists_stale", subscription=subscription.name)
            return
        remembered = self._state.top(subscription.name, now)
        withdrawn = await self._withdrawn(lists.most_read, remembered)
        alerts = find_alerts(subscription, lists, remembered, withdrawn, self._public_url)
        reported = self._state.reported(
            subscription.name, now - timedelta(hours=subscription.repeat_hours)
        )
        alerts = unreported(alerts, reported)
        message = self._message(now, alerts=alerts) if alerts else None
        self._record(
            now,
            message,
            now + ALERT_LIFETIME,
            top={
                each.article_id: TopStory(story(each, subscription, self._public_url), each.rank)
                for each in in_top(lists.most_read, subscription.top)
            },
            left=withdrawn,
            reported=[subject_of(each) for each in alerts],
        )
        for alert in alerts:
            self._metrics.alerts[alert.kind].inc()

    async def _lists(self) -> Lists | None:
        """Return the lists that the alerts need, None while one is stale."""
        wanted = self.subscription.alerts
        most_read = trending = visitors = None
        if wanted & {"rises", "falls"}:
            # The ranks that articles earn: a pin is an editor's own decision.
            most_read = await self._list(
                ("window", self.subscription.window), ("pins", "0"), ("limit", _LISTED)
            )
        if "rises" in wanted:
            trending = await self._list(("by", "trending"), ("limit", _TRENDING))
        if "marked" in wanted:
            visitors = await self._list(
                ("window", VISITORS_WINDOW), ("quarantined", "1"), ("limit", _LISTED)
            )
        documents = (most_read, trending, visitors)
        if any(each is not None and each.stale for each in documents):
            return None
        return Lists(*(each.items if each is not None else () for each in documents))

    async def _list(self, *params: tuple[str, str]) -> ListDocument:
        return await self._reader.most_read([*self._selection, *params])

    async def _withdrawn(
        self, items: Collection[Item], remembered: Mapping[str, TopStory]
    ) -> list[str]:
        """Return the remembered articles that no list may contain any more."""
        if "falls" not in self.subscription.alerts:
            return []
        withdrawn = []
        left = left_top(list(items), remembered, self.subscription.top)
        for article_id, item in left.items():
            if item is None:
                article = await self._reader.article(self.subscription.site, article_id)
                if article is None or not article.listed:
                    withdrawn.append(article_id)
        return withdrawn

    def _message(
        self, now: datetime, *, alerts: Sequence[Alert] = (), composed: Digest | None = None
    ) -> EditorMessage:
        subscription = self.subscription
        window = "yesterday" if composed is not None else subscription.window
        query = urlencode([*self._selection, ("window", window), ("lang", subscription.lang)])
        page = f"{self._public_url}?{query}"
        return subscription.message(now, page, alerts=alerts, digest=composed)

    def _record(
        self,
        now: datetime,
        message: EditorMessage | None,
        expires_at: datetime,
        *,
        reported: Sequence[Subject],
        top: Mapping[str, TopStory] | None = None,
        left: Sequence[str] = (),
    ) -> None:
        """Store the findings, and queue the message for every target."""
        targets = list(targets_of(self.subscription)) if message is not None else []
        dropped = self._state.record(
            self.subscription.name,
            now,
            top=top,
            left=left,
            reported=reported,
            messages=[(each.key, message, expires_at) for each in targets if message is not None],
        )
        for target in targets:
            self._couriers[target.key].wake()
            if number := dropped.get(target.key, 0):
                log.error("messages_dropped", target=target.name, number=number)
                self._metrics.finished(target.channel, Outcome.DROPPED, number)
