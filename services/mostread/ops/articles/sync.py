"""Describe what feeds list, whenever it is new or has changed."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from mostread.core.editorial.articles import Source
from mostread.errors import MostreadError
from mostread.infra.logging import get_logger
from mostread.ops.articles.config import ArticlesSettings, SourceFeed
from mostread.ops.articles.fetcher import FeedUnavailable, Fetcher, Validators, may_follow
from mostread.ops.articles.formats import Document, UnreadableFeed, read_document
from mostread.ops.articles.item import Description, Hosts, SkippedItem, SourceItem, describe
from mostread.ops.articles.metrics import ArticlesMetrics
from mostread.ops.articles.moves import ItemMemory, ListedItem, moves
from mostread.ops.articles.publisher import ArticlePublisher

log = get_logger(__name__)

MAX_SITEMAPS = 20
"""Sitemaps of an index to read, the latest ones."""

LONGEST_PAUSE_SECONDS = 3600.0

_MAX_REMEMBERED = 100_000
_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class FeedReport:
    """The outcome of reading a feed once."""

    items: int
    described: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _DocumentState:
    validators: Validators
    items: int


@dataclass(frozen=True, slots=True)
class FeedSite:
    """State that the feeds of a site share.

    `seen` holds a digest of each description by article, with the number of its feed: the feed of
    the lowest number describes an article.
    """

    settings: ArticlesSettings
    hosts: Hosts
    fetcher: Fetcher
    publisher: ArticlePublisher
    memory: ItemMemory
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def remember(self, article_id: str, number: int, digest: bytes) -> None:
        """Remember a description; forget the oldest of very many."""
        self.seen.pop(article_id, None)
        self.seen[article_id] = number, digest
        if len(self.seen) > _MAX_REMEMBERED:
            del self.seen[next(iter(self.seen))]


class FeedReader:
    """Feed `number` of a site, and what it listed before."""

    def __init__(self, feed: SourceFeed, number: int, site: FeedSite) -> None:
        self.feed = feed
        self.error: str | None = "it is being read for the first time"
        self._number = number
        self._site = site
        self._documents: dict[str, _DocumentState] = {}

    async def read(self) -> FeedReport:
        """Read the feed and describe what is new or changed.

        Raises MostreadError; what was not described will be at the next call.
        """
        documents: dict[str, _DocumentState] = {}
        skipped: Counter[str] = Counter()
        try:
            described = await self._read(self.feed.url, documents, skipped, is_index=True)
        except MostreadError:
            raise
        except Exception as error:  # no feed may end the service, which reads the others
            log.exception("feed_unreadable", site=self.feed.site, feed=self.feed.name)
            raise UnreadableFeed(f"it cannot be read: {error!r}") from error
        finally:
            # A document that could not be read is requested without conditions next time.
            self._documents = documents
        return FeedReport(sum(d.items for d in documents.values()), described, skipped)

    async def _read(
        self,
        url: str,
        documents: dict[str, _DocumentState],
        skipped: Counter[str],
        *,
        is_index: bool = False,
    ) -> int:
        """Read a document and, if it is an index, its sitemaps; return how many were described."""
        known = self._documents.get(url)
        fetched = await self._site.fetcher.fetch(
            url, self._site.hosts, known.validators if known else Validators()
        )
        if fetched is None:
            if known is None:
                raise FeedUnavailable("the server responded 304 to an unconditional request")
            documents[url] = known
            return 0
        document = await asyncio.to_thread(
            read_document,
            fetched.content,
            fetched.url,
            fetched.content_type,
            self._site.settings.articles_max_bytes,
            self._site.settings.articles_max_items,
        )
        if document.sitemaps and is_index:
            return await self._read_sitemaps(document, fetched.url, documents, skipped)
        described = await self._describe(document.items, skipped)
        documents[url] = _DocumentState(fetched.validators, len(document.items))
        return described

    async def _read_sitemaps(
        self,
        index: Document,
        index_url: str,
        documents: dict[str, _DocumentState],
        skipped: Counter[str],
    ) -> int:
        """Read the sitemaps of an index; a broken one does not keep the others from being read."""
        described = 0
        errors: list[MostreadError] = []
        for url in index.sitemaps[:MAX_SITEMAPS]:
            try:
                if not may_follow(url, index_url, self._site.hosts):
                    raise FeedUnavailable("it is on another host or port, or not encrypted")
                described += await self._read(url, documents, skipped)
            except (FeedUnavailable, UnreadableFeed) as error:
                errors.append(FeedUnavailable(f"its sitemap {url[:200]}: {error}"))
        if errors:
            raise errors[0]
        return described

    async def _describe(self, items: Sequence[SourceItem], skipped: Counter[str]) -> int:
        listed: set[str] = set()
        identified: list[ListedItem] = []
        changed: dict[str, tuple[Description, bytes]] = {}
        for item in items:
            try:
                description = describe(item, self.feed.site, self._site.hosts)
            except SkippedItem as reason:
                skipped[str(reason)] += 1
                continue
            article_id = description["article_id"]
            digest = hashlib.blake2b(_encode(description), digest_size=16).digest()
            number, seen = self._site.seen.get(article_id, (self._number, b""))
            # The first of several items with one id counts, as feeds list the latest first.
            if number >= self._number and seen != digest and article_id not in listed:
                changed[article_id] = description, digest
            listed.add(article_id)
            if item.guid:
                published = description.get("published_at", "")
                title = description["title"]
                identified.append(ListedItem(item.guid, article_id, title, published))
        rejected = await self._site.publisher.describe(
            [each for each, _ in changed.values()], Source.FEED
        )
        for each in rejected:
            log.warning("article_rejected", feed=self.feed.name, error=each.detail)
        skipped["rejected"] += len(rejected)
        await self._follow_moves(identified)
        for article_id, (_, digest) in changed.items():
            self._site.remember(article_id, self._number, digest)
        return len(changed) - len(rejected)

    async def _follow_moves(self, listed: Sequence[ListedItem]) -> None:
        """Write an alias for each article whose address has changed."""
        site, memory = self.feed.site, self._site.memory
        moved = moves(memory.known(site, self.feed.name), listed)
        for move in moved:
            log.info("article_moved", site=site, feed=self.feed.name, old=move.old, new=move.new)
        rejected = await self._site.publisher.add_aliases(
            [{"site": site, "article_id": move.old, "alias_of": move.new} for move in moved]
        )
        for each in rejected:
            log.warning("alias_rejected", feed=self.feed.name, error=each.detail)
        memory.remember(site, self.feed.name, listed, int(time.time()))


@dataclass(slots=True)
class SiteSchedule:
    """Reads the feeds of one site in turn, each once per interval; less often while it fails."""

    readers: Sequence[FeedReader]
    metrics: ArticlesMetrics
    interval: float
    _due: dict[SourceFeed, float] = field(default_factory=dict)
    _failures: Counter[SourceFeed] = field(default_factory=Counter)

    async def run(self) -> None:
        """Read forever."""
        loop = asyncio.get_running_loop()
        while True:
            for reader in self.readers:
                if loop.time() >= self._due.get(reader.feed, 0.0):
                    started = loop.time()
                    self._due[reader.feed] = started + await self.read(reader)
            await asyncio.sleep(max(0.0, min(self._due.values()) - loop.time()))

    async def read(self, reader: FeedReader) -> float:
        """Read a feed; return the seconds until it is to be read again."""
        feed = reader.feed
        try:
            report = await reader.read()
        except MostreadError as error:
            self._failures[feed] += 1
            self.metrics.failed(feed)
            reader.error = str(error)
            log.warning("feed_failed", site=feed.site, feed=feed.name, error=reader.error)
            pause = self.interval * 2.0 ** min(self._failures[feed] - 1, 12)
            wished = error.retry_after if isinstance(error, FeedUnavailable) else 0.0
            return max(self.interval, min(max(pause, wished), LONGEST_PAUSE_SECONDS))
        self._failures[feed] = 0
        reader.error = None
        self.metrics.succeeded(feed, items=report.items, described=report.described)
        for reason, count in report.skipped.items():
            self.metrics.skipped[reason].inc(count)
        if report.described:
            log.info(
                "feed_read",
                site=feed.site,
                feed=feed.name,
                items=report.items,
                described=report.described,
                skipped=dict(report.skipped),
            )
        return self.interval


def new_readers(
    settings: ArticlesSettings,
    feeds: Sequence[SourceFeed],
    fetcher: Fetcher,
    publisher: ArticlePublisher,
    memory: ItemMemory,
) -> dict[str, list[FeedReader]]:
    """Return readers of feeds by site."""
    sites: dict[str, list[FeedReader]] = {}
    for site in dict.fromkeys(feed.site for feed in feeds):
        own = [feed for feed in feeds if feed.site == site]
        hosts = Hosts((feed.url for feed in own), settings.hosts)
        shared = FeedSite(settings, hosts, fetcher, publisher, memory)
        sites[site] = [FeedReader(feed, number, shared) for number, feed in enumerate(own)]
    return sites
