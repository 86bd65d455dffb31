"""Put a message into words of its language, for every channel."""

from typing import NamedTuple

from babel.numbers import format_percent

from mostread.ops.notify.messages import (
    Alert,
    Digest,
    EditorMessage,
    RankedStory,
    Story,
)
from mostread.ranking.pages.i18n import TRANSLATORS, Translator
from mostread.ranking.repository import Counts

MAX_TITLE = 200
"""Characters of a headline, which a CMS limits to 500."""

_KINDS = ("rises", "falls", "marked")


class StoryLine(NamedTuple):
    """An article with what there is to say about it; `number` is its rank in a digest."""

    title: str
    page: str
    url: str | None
    facts: list[str]
    number: int | None = None


class StoryBlock(NamedTuple):
    """Articles below a heading, which is empty if the subject says it."""

    heading: str
    lines: list[StoryLine]


class Wording(NamedTuple):
    """A message in words; `remarks` stand before the articles."""

    subject: str
    remarks: list[str]
    blocks: list[StoryBlock]
    list_link: str
    list_page: str
    footer: str


def word(message: EditorMessage) -> Wording:
    """Return a message in words."""
    t = TRANSLATORS[message.lang]
    if message.digest is not None:
        heading = t("notify.digest", day=t.date(message.digest.day))
        remarks = _totals(message.digest, t)
        blocks = [StoryBlock("", [_ranked(each, t) for each in message.digest.stories])]
    else:
        first = message.alerts[0]
        more = f" (+{len(message.alerts) - 1})" if len(message.alerts) > 1 else ""
        heading = f"{_kind(first.kind, t)}: {_title(first.story)}{more}"
        remarks = []
        kinds = [kind for kind in _KINDS if any(each.kind == kind for each in message.alerts)]
        blocks = [
            StoryBlock(
                _kind(kind, t) if len(kinds) > 1 else "",
                [_alert(each, message, t) for each in message.alerts if each.kind == kind],
            )
            for kind in kinds
        ]
    if message.is_test:
        remarks.insert(0, t("notify.test"))
    where = ([] if message.site == "default" else [message.site]) + list(message.sections)
    return Wording(
        f"[{', '.join(where)}] {heading}" if where else heading,
        remarks,
        blocks,
        t("notify.open_list"),
        message.page,
        t("notify.subscription", name=message.subscription),
    )


def plain(wording: Wording) -> str:
    """Return a message as plain text."""
    parts = [wording.subject, *wording.remarks]
    for block in wording.blocks:
        if block.heading:
            parts.append(f"{block.heading}:")
        for line in block.lines:
            number = f"{line.number}. " if line.number is not None else ""
            parts.append(f"{number}{line.title}\n{' · '.join(line.facts)}\n{line.page}")
    parts.append(f"{wording.list_link}: {wording.list_page}")
    return "\n\n".join([*parts, wording.footer]) + "\n"


def _kind(kind: str, t: Translator) -> str:
    return t(f"notify.kind.{kind}")


def _title(story: Story) -> str:
    title = " ".join(story.title.split())
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def _alert(alert: Alert, message: EditorMessage, t: Translator) -> StoryLine:
    facts: list[str] = []
    if alert.kind == "rises" and alert.rank is not None:
        facts += [t("notify.rank", rank=alert.rank), _rank_before(alert.previous_rank, t)]
    if alert.kind == "falls":
        facts.append(t("notify.left_top", top=message.top))
        facts.append(_rank_before(alert.previous_rank, t))
        if alert.rank is not None:
            facts.append(t("notify.rank", rank=alert.rank))
    if alert.kind == "rises" and alert.rank is None and alert.times is None:
        facts.append(t("rank_new"))
    if alert.times is not None:
        facts.append(t("trend.ratio", ratio=t.ratio(alert.times)))
    if alert.top_share is not None:
        facts.append(t("suspicious_detail", share=round(100 * alert.top_share)))
    during = t(f"during.{alert.window}")
    number, unit = t.number(alert.views), t.plural("unit.views", alert.views)
    facts.append(t("measured", number=number, unit=unit, during=during))
    return StoryLine(_title(alert.story), alert.story.page, alert.story.url, facts)


def _rank_before(rank: int | None, t: Translator) -> str:
    return t("rank_new") if rank is None else t("notify.rank_before", rank=rank)


def _ranked(ranked: RankedStory, t: Translator) -> StoryLine:
    facts = [_counted("views", ranked.views, t)]
    if ranked.previous_rank != ranked.rank:
        facts.append(_rank_before(ranked.previous_rank, t))
    if ranked.views_before:
        facts.append(t("notify.day_before", change=_change(ranked.views, ranked.views_before, t)))
    story = ranked.story
    return StoryLine(_title(story), story.page, story.url, facts, ranked.rank)


def _totals(digest: Digest, t: Translator) -> list[str]:
    views = [_counted("views", digest.totals.views, t)]
    for key, before in (
        ("notify.day_before", digest.day_before),
        ("notify.week_before", digest.week_before),
    ):
        if before.views:
            views.append(t(key, change=_change(digest.totals.views, before.views, t)))
    return [" · ".join(views), _engagement(digest.totals, t)]


def _engagement(totals: Counts, t: Translator) -> str:
    return " · ".join(
        (_counted("comments", totals.comments, t), _counted("likes", totals.likes, t))
    )


def _counted(what: str, number: int, t: Translator) -> str:
    return f"{t.number(number)} {t.plural(f'counted.{what}', number)}"


def _change(now: int, before: int, t: Translator) -> str:
    change = now / before - 1
    text = str(format_percent(abs(change), locale=t.lang))
    return ("+" if change >= 0 else "\u2212") + text
