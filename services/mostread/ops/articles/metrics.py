"""Metrics of `mostread articles sync`."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from mostread.ops.articles.config import SourceFeed
from mostread.ops.articles.item import SKIP_REASONS


class ArticlesMetrics:
    """The metrics of reading feeds, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["site", "feed"]
        self._succeeded_at = Gauge(
            "mostread_articles_feed_last_success_timestamp_seconds",
            "Unix time at which a feed was last read and its changes accepted; initially the "
            "start time.",
            labels,
            registry=registry,
        )
        self._items = Gauge(
            "mostread_articles_feed_items",
            "Articles that a feed lists.",
            labels,
            registry=registry,
        )
        self._failures = Counter(
            "mostread_articles_feed_failures_total",
            "Failed attempts to read a feed or to send its articles.",
            labels,
            registry=registry,
        )
        self._described = Counter(
            "mostread_articles_described_total",
            "Descriptions, new or changed, that the collector accepted.",
            labels,
            registry=registry,
        )
        skipped = Counter(
            "mostread_articles_skipped_items_total",
            "Items of feeds that describe no article: without a link or a title, of another host "
            "than the settings name, with an invalid article id, or rejected by the collector.",
            ["reason"],
            registry=registry,
        )
        self.skipped = {reason: skipped.labels(reason) for reason in SKIP_REASONS}

    def start(self, feed: SourceFeed) -> None:
        """Add a feed, which counts as read when it starts."""
        for metric in (self._failures, self._described, self._items):
            metric.labels(feed.site, feed.name)
        self._succeeded_at.labels(feed.site, feed.name).set_to_current_time()

    def succeeded(self, feed: SourceFeed, *, items: int, described: int) -> None:
        self._succeeded_at.labels(feed.site, feed.name).set_to_current_time()
        self._items.labels(feed.site, feed.name).set(items)
        self._described.labels(feed.site, feed.name).inc(described)

    def failed(self, feed: SourceFeed) -> None:
        self._failures.labels(feed.site, feed.name).inc()
