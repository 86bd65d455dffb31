"""Random access logs of nginx and Apache, and the views that they should count."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def line(
    when: datetime,
    path: str = "/news/a",
    *,
    address: str = "203.0.113.7",
    method: str = "GET",
    status: int = 200,
    agent: str | None = BROWSER,
    host: str = "",
    rest: str = "",
) -> str:
    """Return a line in the combined format, or in the common one if `agent` is None."""
    more = "" if agent is None else f' "https://example.com/" "{agent}"'
    return (
        f"{host and host + ' '}{address} - - [{when:%d/%b/%Y:%H:%M:%S} +0000] "
        f'"{method} {path} HTTP/1.1" {status} 5120{more}{rest}\n'
    )


@dataclass
class Traffic:
    """Lines in order of time, and the views that they contain."""

    lines: list[str] = field(default_factory=list)
    seen: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    """Minute of the first view by article, address, agent and half hour."""

    def by_minute(self) -> Counter[tuple[str, int]]:
        return Counter((article, minute) for (article, *_), minute in self.seen.items())

    def by_article(self) -> Counter[str]:
        return Counter(article for article, *_ in self.seen)


def traffic(count: int, start: datetime, length: timedelta, *, seed: int = 1) -> Traffic:
    """Return `count` requests of readers, bots and other clients."""
    rng = random.Random(seed)
    traffic = Traffic()
    agents = [f"{BROWSER} Edg/{number}" for number in range(2)]
    for number in range(count):
        when = (start + number * length / count).astimezone(UTC)
        article = f"история-{rng.randrange(40)}"
        address = f"198.51.100.{rng.randrange(6)}"
        agent = rng.choice(agents)
        kind = rng.choices(
            ("view", "asset", "bot", "post", "missing", "head"), (60, 20, 8, 4, 5, 3)
        )[0]
        traffic.lines.append(
            line(
                when,
                "/static/app.js" if kind == "asset" else f"/news/{article}?from=home",
                address=address,
                agent=BOT if kind == "bot" else agent,
                method={"post": "POST", "head": "HEAD"}.get(kind, "GET"),
                status=404 if kind == "missing" else 200,
            )
        )
        if kind == "view":
            minute = int(when.timestamp()) // 60
            key = (article, address, agent, minute // 30)
            traffic.seen[key] = min(traffic.seen.get(key, minute), minute)
    return traffic
