"""The content of messages, independent of the channel that carries them."""

from datetime import date, datetime
from typing import Literal

import msgspec

from mostread.ranking.pages.i18n import Lang
from mostread.ranking.repository import Counts

AlertKind = Literal["rises", "falls", "marked"]


class Story(msgspec.Struct, frozen=True):
    """An article as messages name it; `page` is its page in mostread."""

    article_id: str
    title: str
    url: str | None
    section: str | None
    page: str


class Alert(msgspec.Struct, frozen=True):
    """News about an article, which had `views` in `window`.

    rises: it entered the top with `rank`, or has `times` as many views as expected, or both; or it
    has many views where next to none were expected.
    falls: it left the top, where its best rank of the last hour was `previous_rank`.
    marked: its ten busiest visitors made the part `top_share` of its views.
    """

    kind: AlertKind
    story: Story
    views: int
    window: str
    rank: int | None = None
    previous_rank: int | None = None
    times: float | None = None
    top_share: float | None = None


class RankedStory(msgspec.Struct, frozen=True):
    """A line of a digest; `views_before` are those of the day before."""

    rank: int
    previous_rank: int | None
    story: Story
    views: int
    views_before: int | None


class Digest(msgspec.Struct, frozen=True):
    """A day of a selection, compared with the day before and the same day of the week before."""

    day: date
    totals: Counts
    day_before: Counts
    week_before: Counts
    stories: list[RankedStory]


class EditorMessage(msgspec.Struct, frozen=True):
    """A message of a subscription to editors: alerts that came up together, or a digest.

    `id` stays the same when the message is sent again; `page` is the list in mostread.
    """

    id: str
    subscription: str
    site: str
    sections: tuple[str, ...]
    lang: Lang
    top: int
    created_at: datetime
    page: str
    alerts: list[Alert] = []
    digest: Digest | None = None
    is_test: bool = False
