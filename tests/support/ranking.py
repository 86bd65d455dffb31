"""A site with counters as the aggregator writes them, and a client of its lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from aiohttp import ClientSession
from clickhouse_connect.driver.client import Client

from mostread.core.exclusions import Exclusion, ExclusionEntry
from mostread.core.retention import MINUTE_ROW_TTL_SECONDS
from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.exclusions import write_exclusions

Service = ClientSession

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)
FIRST = UUID("11111111-1111-4111-8111-111111111111")
SECOND = UUID("22222222-2222-4222-8222-222222222222")
EDITOR = {"Authorization": "Bearer the editor"}
EDITORS = f"aigerim:editor:{hash_token('the editor')},cms:cms:{hash_token('the cms')}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Ids with a special meaning in SQL, URLs, format strings or HTML.
STRANGE = [
    "a'b",
    'a"b',
    "a\\b",
    "a%sb",
    "{a:String}",
    "a/b?c#d",
    "a b+c",
    "🐫\u200fقطار",
    "-- a",
    "..",
]


def ago(**delta: float) -> datetime:
    return NOW - timedelta(**delta)


@dataclass
class Counted:
    """Writes what the aggregator would write and ClickHouse would still store."""

    client: Client
    site: str
    now: datetime = NOW
    rows: list[list[Any]] = field(default_factory=list)
    version: int = 0
    """The version of the last alias."""

    def event(
        self,
        article_id: str,
        when: datetime | None,
        views: int = 0,
        comments: int = 0,
        likes: int = 0,
        *,
        topic: UUID = FIRST,
        partition: int = 0,
    ) -> None:
        """Count at `when`; None is a late event, which counts in the total only."""
        windows = [("total", EPOCH)]
        if when is not None:
            minute = when.replace(second=0, microsecond=0)
            windows.append(("hour", minute.replace(minute=0)))
            midnight = minute.replace(hour=0, minute=0)
            windows.append(("week", midnight - timedelta(days=minute.weekday())))
            if minute > self.now - timedelta(seconds=MINUTE_ROW_TTL_SECONDS):
                windows.append(("minute", minute))
        for grain, window in windows:
            self.rows.append(
                [self.site, grain, window, article_id, topic, partition, views, comments, likes]
            )

    def write(self) -> None:
        """Write the sums by key, each row first as an older version."""
        sums: dict[tuple[Any, ...], list[int]] = {}
        for *key, views, comments, likes in self.rows:
            into = sums.setdefault(tuple(key), [0, 0, 0])
            for index, number in enumerate((views, comments, likes)):
                into[index] += number
        names = ["site", "grain", "window", "article_id", "topic_id", "partition"]
        names += ["views", "comments", "likes", "version"]
        older = [[*key, 1, 0, 0, 1] for key in sums]
        newer = [[*key, *numbers, 2] for key, numbers in sums.items()]
        for rows in (older, newer, newer):
            self.client.insert("counter_versions", rows, column_names=names)

    def article(self, article_id: str, **columns: Any) -> None:
        """Describe an article."""
        row = {"title": f"Title of {article_id}", "version": 1, **columns}
        self.client.insert(
            "article_versions",
            [[self.site, article_id, *row.values()]],
            column_names=["site", "article_id", *row],
        )

    def aliases(self, *former: str, of: str) -> None:
        """Say what former ids stand for; an empty `of` takes it back."""
        self.version += 1
        self.client.insert(
            "canonical_id_versions",
            [[self.site, article_id, of, self.version] for article_id in former],
            column_names=["site", "article_id", "canonical_id", "version"],
        )

    def decision(self, article_id: str, version: int = 1, **columns: Any) -> None:
        """Write a decision about an article."""
        self.decisions({article_id: {"version": version, **columns}})

    def decisions(self, decided: Mapping[str, Mapping[str, Any]]) -> None:
        """Write decisions about several articles at once."""
        usual: dict[str, Any] = {"by": "editor", "decided_at": NOW, "reason": "", "version": 1}
        lists = ("pinned_sections", "pinned_languages", "pinned_windows")
        usual |= {name: [] for name in lists}
        names = ["hidden", "pinned", "embargo_until", "expires_at", "approved", "until", "undoes"]
        names += usual
        rows = [
            [self.site, article_id, *({**usual, **columns}.get(name) for name in names)]
            for article_id, columns in decided.items()
        ]
        for table in ("placement_log", "placement_versions"):
            self.client.insert(table, rows, column_names=["site", "article_id", *names])

    def exclusion(self, article_id: str, action: Literal["add", "remove"], **fields: Any) -> None:
        """Write the addition of an exclusion of ten minutes an hour ago, or its removal.

        An empty `article_id` stands for the whole site.
        """
        start = int(ago(hours=1).replace(second=0).timestamp() * 1000)
        visitor = fields.pop("visitor", "")
        name = f"{self.site} {article_id}"
        exclusion = Exclusion(name, self.site, article_id, start, start + 600_000, visitor)
        usual: dict[str, Any] = {
            "reason": "an attack",
            "by": "ops",
            "recorded_at": int(NOW.timestamp() * 1000),
        }
        entry = ExclusionEntry(exclusion, action, **(usual | fields))
        write_exclusions(self.client, [entry])

    def progress(self, as_of: datetime, partition: int, partitions: int, topic: UUID) -> None:
        """Write the checkpoint of a partition."""
        self.client.insert(
            "checkpoint_versions",
            [["engagement.events", topic, partition, partitions, 7, as_of]],
            column_names=[
                "topic",
                "topic_id",
                "partition",
                "partitions",
                "next_offset",
                "watermark",
            ],
        )


@dataclass
class Site:
    """Requests the lists of one site."""

    service: Service
    name: str

    async def most_read(self, **parameters: str | int | list[str]) -> dict[str, Any]:
        pairs = [("site", self.name)]
        for name, value in parameters.items():
            pairs += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
        response = await self.service.get("/v1/most-read", params=pairs)
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body

    async def ids(self, **parameters: str | int | list[str]) -> list[str]:
        return [item["article_id"] for item in (await self.most_read(**parameters))["items"]]

    async def views(self, **parameters: str | int | list[str]) -> dict[str, int]:
        items = (await self.most_read(**parameters))["items"]
        return {item["article_id"]: item["window"]["views"] for item in items}
