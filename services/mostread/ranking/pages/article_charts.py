"""The charts of the article page, with their legends and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mostread.core.ranking.windows import EPOCH
from mostread.ranking.api import serializers
from mostread.ranking.pages import chart
from mostread.ranking.pages.chart import Mark
from mostread.ranking.pages.i18n import Translator
from mostread.ranking.repository import Counts
from mostread.ranking.service.article_chart import ArticleChart, Bin
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.rank_history import MAX_RANK, RankHistory
from mostread.ranking.service.typical import Typical


@dataclass(frozen=True, slots=True)
class TableRow:
    """A bin in the table; `machine_time` is its start in RFC 3339."""

    machine_time: str
    label: str
    counts: Counts


def counts_context(
    drawn: ArticleChart,
    typical: Typical | None,
    marks: Sequence[Mark],
    now: datetime,
    t: Translator,
) -> dict[str, object]:
    """Return the chart of counts and its table, latest bin first."""
    zone = now.tzinfo or UTC
    daily = drawn.query.step == "day"

    def label(start: datetime) -> str:
        local = start.astimezone(zone)
        return t.date(local) if daily else clock_label(local, t)

    def text(each: Bin) -> str:
        views, comments, likes = each.counts.views, each.counts.comments, each.counts.likes
        counted = [f"{t.number(views)} {t.plural('unit.views', views)}"]
        if comments:
            counted.append(f"{t.number(comments)} {t.plural('unit.comments', comments)}")
        if likes:
            counted.append(f"{t.number(likes)} {t.plural('unit.likes', likes)}")
        unfinished = "" if each.complete else f" ({t('legend.unfinished')})"
        return f"{label(each.start)}: {', '.join(counted)}{unfinished}"

    empty = all(each.counts == Counts() for each in drawn.bins)
    usual = typical if typical and not empty else None
    return {
        "chart": chart.counts_chart(drawn.bins, usual, marks, zone, t),
        "cells": chart.cells(drawn.bins, text),
        "chart_empty": empty,
        "unfinished": not all(each.complete for each in drawn.bins),
        "typical": usual,
        "rows": [
            TableRow(serializers.rfc3339(each.start), label(each.start), each.counts)
            for each in reversed(drawn.bins)
            if each.counts != Counts()
        ],
    }


def ranks_context(
    history: RankHistory | None,
    details: ArticleDetails,
    marks: Sequence[Mark],
    now: datetime,
    t: Translator,
) -> dict[str, object]:
    """Return the rank section; `history` is None while it is unavailable."""
    nothing: dict[str, object] = {"rank_chart": None, "rank_rows": []}
    if history is None:
        return {**nothing, "rank_summary": t("ranks.unavailable")}
    zone = now.tzinfo or UTC
    labels = [clock_label(end.astimezone(zone), t) for end in history.ends]
    ranked = [(rank, n) for n, rank in enumerate(history.ranks) if rank is not None]
    if not ranked:
        return {**nothing, "rank_summary": _unranked(details, t)}
    best, at = min(ranked, key=lambda each: (each[0], -each[1]))
    last, length = history.ranks[-1], history.lengths[-1]
    summary = (
        t("ranks.last", time=labels[-1], rank=t.number(last), length=t.number(length))
        if last
        else t("ranks.last_below", time=labels[-1], rank=t.number(MAX_RANK))
    )
    if best != last:
        summary += " " + t("ranks.best", rank=t.number(best), time=labels[at])
    return {
        "rank_chart": chart.ranks_chart(
            _since_publication(history, details),
            min(MAX_RANK, max(history.lengths)),
            marks,
            zone,
            t,
        ),
        "rank_summary": summary,
        "rank_rows": [
            (serializers.rfc3339(history.ends[n]), labels[n], rank, history.lengths[n])
            for rank, n in reversed(ranked)
        ],
    }


def clock_label(local: datetime, t: Translator) -> str:
    """Format a local time with its date, and its offset if clocks show that time twice."""
    label = f"{t.date(local)}, {local:%H:%M}"
    repeated = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    # A time that is skipped has two offsets too, but no instant has such a local time.
    return f"{label} (UTC{local.isoformat()[-6:]})".replace("-", "\u2212") if repeated else label


def _unranked(details: ArticleDetails, t: Translator) -> str:
    if details.standing.withheld:
        return t("ranks.withheld")
    # All its views may be younger than the last full hour.
    if details.windows["24h"].views == details.windows["1h"].views > 0:
        return t("ranks.early")
    return t("ranks.never", rank=t.number(MAX_RANK))


def _since_publication(
    history: RankHistory, details: ArticleDetails
) -> list[tuple[datetime, int | None]]:
    """Return the ranks with their times, without the hours before the article was published."""
    ranks = list(zip(history.ends, history.ranks, strict=True))
    published = (details.metadata.published if details.metadata else None) or EPOCH
    first = next(n for n, (end, rank) in enumerate(ranks) if rank or end >= published)
    return ranks[first:]
