"""The rows of the list page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.integrity import Integrity
from mostread.core.ranking.trends import MIN_EXPECTED
from mostread.core.ranking.windows import HOUR, LAGS, LIFETIME, OVER
from mostread.ranking.api import params, serializers
from mostread.ranking.pages import urls
from mostread.ranking.pages.change import Change, change
from mostread.ranking.pages.chips import window_url
from mostread.ranking.pages.i18n import Translator
from mostread.ranking.queries import ListQuery
from mostread.ranking.repository import Counts
from mostread.ranking.service.lists import Entry, RankedList, web_address
from mostread.ranking.service.sparklines import HEIGHT, Bars, Sparkline, bars_of

_MAX_NEW_RANK = 100
"""Articles below it may lack a previous rank only because the previous list was cut off."""

_DAY = timedelta(days=1)
_COUNTED = ("views", "comments", "likes")


class RankChange(NamedTuple):
    """A change of rank: `direction` is up, down or new; as a symbol and in words."""

    direction: str
    symbol: str
    text: str


class Age(NamedTuple):
    """How long ago an article was published, and when, in RFC 3339."""

    text: str
    machine_time: str


@dataclass(frozen=True, slots=True)
class Row:
    """An article in the list: `number` is what orders it, `measured` the same in words.

    `trend` are the views that a trending article has, and those that are usual.
    """

    key: str
    rank: int
    change: RankChange | None
    number: str
    measured: str
    against: Change | None
    trend: str
    title: str
    language: str
    page: str | None
    link: str | None
    image: str
    section: str
    section_url: str
    authors: Sequence[str]
    age: Age | None
    pinned: int | None
    described: bool
    integrity: Integrity | None
    line: Sparkline | None
    total: Counts


def list_parts(
    query: ListQuery,
    ranked: RankedList,
    lines: Mapping[str, Sparkline],
    now: datetime,
    t: Translator,
) -> dict[str, object]:
    """Return the rows, and what describes them; `lines` are the sparklines by article."""
    # If no article has a previous rank or number, counting is new rather than the articles.
    moved = any(entry.previous_rank for entry in ranked.entries)
    counted = any(entry.compared and any(_counts(entry.compared)) for entry in ranked.entries)
    since = ranked.compared.start if ranked.compared and counted else None
    bars = bars_of(ranked.window, now)
    builder = _Builder(query, lines, now, t, moved, since)
    rows = [builder.row(entry) for entry in ranked.entries]
    return {
        "rows": rows,
        "against": t(f"compare.{query.compare}") if any(row.against for row in rows) else "",
        "pictures": any(row.image for row in rows),
        "measure": t(f"order.{query.by}"),
        "column": t("trend.column" if query.trending else f"order.{query.by}"),
        "criterion": t(f"criterion.{query.by}"),
        "about_changes": t("about_changes", since=t(f"ago.{LAGS.get(query.window, 'day')}")),
        "line_box": f"0 0 {bars.width} {HEIGHT}",
        "line_label": _line_label(bars, t),
        "over": _is_over(query, now),
        "filtered": any(query.filters),
        "pages": _pages(query, len(rows), t),
        "search": query.q or "",
        "all_time_url": "" if query.window == LIFETIME else window_url(query, LIFETIME),
    }


def _line_label(bars: Bars, t: Translator) -> str:
    if bars.step < _DAY:
        return t("line.hours" if bars.step == HOUR else "line.six_hours")
    return t("line.days", number=bars.step // _DAY) if bars.step > _DAY else t("line.day")


class _Builder(NamedTuple):
    """Builds the rows of a page; with `moved`, ranks can be compared, numbers with `since`."""

    query: ListQuery
    lines: Mapping[str, Sparkline]
    now: datetime
    t: Translator
    moved: bool
    since: datetime | None

    def row(self, entry: Entry) -> Row:
        query, t = self.query, self.t
        metadata = entry.metadata
        section = metadata.section if metadata else ""
        number, measured, trend = self._measure(entry)
        against = self._against(entry)
        # Once is enough to say that an article is new.
        moved = self.moved and not (against and against.direction == "new")
        return Row(
            key=entry.article_id,
            rank=entry.rank,
            change=_rank_change(entry, t) if moved else None,
            number=number,
            measured=measured,
            against=against,
            trend=trend,
            title=entry.title,
            language=entry.language,
            page=urls.article_page(entry.article_id, **urls.shared(query.written)),
            link=entry.link,
            image=(metadata and web_address(metadata.image)) or "",
            section=section,
            section_url=urls.list_params(query, section=section, offset=None) if section else "",
            authors=metadata.authors if metadata else (),
            age=age(metadata.published, self.now, t) if metadata else None,
            pinned=entry.row.pinned,
            described=metadata is not None,
            integrity=entry.integrity,
            line=self.lines.get(entry.article_id),
            total=entry.total,
        )

    def _measure(self, entry: Entry) -> tuple[str, str, str]:
        """Return the number that the list shows, the same in words, and the trend."""
        by, t = self.query.by, self.t
        if by == "trending":
            ratio = t.ratio(entry.window.views / entry.row.expected)
            views = t.number(entry.window.views)
            return (
                f"×{ratio}",
                t("trend.ratio", ratio=ratio),
                t("trend.new", views=views)
                if entry.row.expected <= MIN_EXPECTED
                else t("trend.usual", views=views, usual=t.number(entry.row.expected)),
            )
        if by == "score":
            measured, unit = entry.score(by), t("unit.points")
        else:
            measured = int(getattr(entry.window, by))
            unit = t.plural(f"unit.{by}", measured)
        number, during = t.number(measured), t(f"during.{self.query.window}")
        return number, t("measured", number=number, unit=unit, during=during), ""

    def _against(self, entry: Entry) -> Change | None:
        """Return how the number changed since the window to compare with."""
        if self.since is None or entry.compared is None or self.query.by not in _COUNTED:
            return None
        published = entry.metadata.published if entry.metadata else None
        new = published is not None and published >= self.since
        number, before = (
            int(getattr(counts, self.query.by)) for counts in (entry.window, entry.compared)
        )
        return change(number, before, self.t(f"compare.{self.query.compare}"), self.t, new=new)


def _counts(counts: Counts) -> list[int]:
    return [getattr(counts, name) for name in _COUNTED]


def age(published: datetime | None, now: datetime, t: Translator) -> Age | None:
    """Return how long ago an article was published, None before."""
    if published is None or published > now:
        return None
    passed = now - published
    if passed < timedelta(hours=1):
        text = t("age.minutes", number=passed // timedelta(minutes=1))
    elif passed < timedelta(days=2):
        text = t("age.hours", number=passed // timedelta(hours=1))
    elif passed < timedelta(days=14):
        text = t("age.days", number=passed.days)
    else:
        local = published.astimezone(now.tzinfo)
        year = "" if local.year == now.year else f" {local.year}"
        text = t.date(local) + year
    return Age(text, serializers.rfc3339(published))


def _rank_change(entry: Entry, t: Translator) -> RankChange | None:
    if entry.pinned:
        return None
    if entry.previous_rank is None:
        return (
            RankChange("new", t("rank_new"), t("rank_new")) if entry.rank <= _MAX_NEW_RANK else None
        )
    places = entry.previous_rank - entry.rank
    if not places:
        return None
    direction, symbol = ("up", "▲") if places > 0 else ("down", "▼")
    text = t(f"rank_{direction}", places=abs(places), before=entry.previous_rank)
    return RankChange(direction, f"{symbol}{abs(places)}", text)


def _is_over(query: ListQuery, now: datetime) -> bool:
    end = query.bounds.end if query.bounds else None
    return query.window in OVER or (end is not None and end <= now)


def _pages(query: ListQuery, shown: int, t: Translator) -> list[tuple[str, str, str]]:
    """Return the link relation, label and URL of the previous and next page."""
    pages = []
    if query.offset:
        first = max(0, query.offset - query.limit)
        label = t("page_ranks", first=first + 1, last=first + query.limit)
        pages.append(("prev", label, urls.list_params(query, offset=str(first) if first else None)))
    first = query.offset + query.limit
    if shown == query.limit and first <= params.MAX_OFFSET:
        label = t("page_ranks", first=first + 1, last=first + query.limit)
        pages.append(("next", label, urls.list_params(query, offset=str(first))))
    return pages
