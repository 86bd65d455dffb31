"""The controls of the list page: windows, orders and filters, as links to other lists.

All of them are in the address, and whatever limits the list is shown and can be removed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import get_args

from mostread.core.ranking.comparison import Comparison
from mostread.core.ranking.windows import CALENDAR, LIFETIME, SLIDING
from mostread.ranking.pages import urls
from mostread.ranking.pages.i18n import Translator
from mostread.ranking.queries import By, ListDefaults, ListQuery
from mostread.ranking.service.facets import FacetValues

_TABS = ("1h", "6h", "24h", "7d", "today", "yesterday")
"""Windows that are one click away."""
_OTHER_WINDOWS = [name for name in (*SLIDING, *CALENDAR, LIFETIME) if name not in _TABS]

_AGES = ("3h", "6h", "1d", "3d", "7d", "30d")
_HALF_LIVES = ("none", "3h", "6h", "12h", "1d", "3d")
_OF_SITE = ("section", "author", "tag")
"""Filters whose values another site does not have."""

_Names = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to a variant of the page; `chosen` marks the current one."""

    label: str
    url: str
    chosen: bool
    value: str = ""
    """The value that the browser remembers."""
    add: str = ""
    """The URL that adds the value to those chosen."""


@dataclass(frozen=True, slots=True)
class Menu:
    """A chip with choices: `value` is what is chosen, `remove` the URL without it, if any."""

    name: str
    label: str
    value: str
    choices: Sequence[Choice]
    remove: str = ""


@dataclass(frozen=True, slots=True)
class Chips:
    """Windows as tabs and in a menu, the other menus, and limits that can only be removed."""

    tabs: Sequence[Choice]
    windows: Menu
    menus: Sequence[Menu]
    limits: Sequence[Choice]
    zone: Menu


def chips(
    query: ListQuery, values: FacetValues, defaults: ListDefaults, dates: str, t: Translator
) -> Chips:
    """Return the controls of a list; `dates` are those of its window."""
    tabs = [_window(query, name, t) for name in _TABS]
    others = [_window(query, name, t) for name in _OTHER_WINDOWS]
    chosen = next((each.label for each in others if each.chosen), dates if query.bounds else "")
    return Chips(
        tabs,
        Menu("window", t("more_windows"), chosen, others),
        [menu for menu in _menus(query, values, defaults, t) if menu.choices],
        _limits(query, t),
        _zone(query, defaults, t),
    )


def _window(query: ListQuery, name: str, t: Translator) -> Choice:
    # A trending list has a window of its own.
    chosen = name == query.window and not query.trending
    return Choice(t(f"window.{name}"), window_url(query, name), chosen)


def window_url(query: ListQuery, name: str) -> str:
    """Return the URL of the list in another window."""
    changes: dict[str, str | None] = {"window": name, "from": None, "to": None, "offset": None}
    if query.trending:
        changes["by"] = None
    if name == LIFETIME:
        changes["compare"] = None
    return urls.list_params(query, **changes)


def _menus(
    query: ListQuery, values: FacetValues, defaults: ListDefaults, t: Translator
) -> Iterable[Menu]:
    orders = [
        Choice(t(f"order.{by}"), _order_url(query, by), by == query.by) for by in get_args(By)
    ]
    yield Menu("by", t("order_by"), t(f"order.{query.by}"), orders)
    if not query.trending and query.window != LIFETIME:
        yield _comparison(query, t)
    if query.by == "score":
        written = dict(query.written).get("half_life") or _written(defaults.half_life)
        names = [(each, _duration(each, t)) for each in _with(_HALF_LIVES, written)]
        yield _single(query, "half_life", names, written, t, removable=False)
    if len(values.sites) > 1:
        yield _site(query, values, t)
    # Language tags are case-insensitive.
    languages = tuple(tag.lower() for tag in query.language)
    yield _several(query, "section", values.sections, query.section, t)
    yield _several(query, "language", values.languages, languages, t)
    yield _several(query, "author", values.authors, query.author, t)
    yield _several(query, "tag", values.tags, query.tag, t)
    within = _written(query.published_within) if query.published_within else ""
    ages = [(each, t("within", age=_duration(each, t))) for each in _with(_AGES, within)]
    yield _single(query, "published_within", ages, within, t)


def _order_url(query: ListQuery, by: By) -> str:
    # A trending list has a window of its own, and is compared with what is usual.
    dropped = ("window", "from", "to", "compare") if by == "trending" else ()
    return urls.list_params(query, by=by, offset=None, **dict.fromkeys(dropped))


def _comparison(query: ListQuery, t: Translator) -> Menu:
    chosen = query.compare or "none"
    choices = [
        Choice(t(f"compare.{name}"), urls.list_params(query, compare=name), name == chosen, name)
        for name in (*get_args(Comparison), "none")
    ]
    return Menu("compare", t("compare"), t(f"compare.{chosen}"), choices)


def _site(query: ListQuery, values: FacetValues, t: Translator) -> Menu:
    choices = [
        Choice(
            name,
            urls.list_params(query, site=name, **dict.fromkeys(_OF_SITE), offset=None),
            name == query.site,
        )
        for name in values.sites
    ]
    return Menu("site", t("site"), query.site, choices)


def _several(
    query: ListQuery, name: str, offered: Collection[str], chosen: Sequence[str], t: Translator
) -> Menu:
    """Return the menu of a filter that may have several values."""
    everything = urls.list_params(query, **{name: None}, offset=None)
    names = [*offered, *(value for value in chosen if value not in offered)]
    choices = [
        Choice(
            value,
            urls.list_params(query, **{name: value}, offset=None),
            value in chosen,
            add=urls.list_params(query, **{name: [*chosen, value]}, offset=None)
            if chosen and value not in chosen
            else "",
        )
        for value in names
    ]
    if not chosen and len(names) < 2:
        return Menu(name, t(name), "", ())
    choices = [Choice(t("all"), everything, not chosen), *choices]
    return Menu(name, t(name), ", ".join(chosen), choices, everything if chosen else "")


def _single(
    query: ListQuery,
    name: str,
    names: _Names,
    chosen: str,
    t: Translator,
    *,
    removable: bool = True,
) -> Menu:
    """Return the menu of a filter with one value."""
    everything = urls.list_params(query, **{name: None}, offset=None)
    label = dict(names).get(chosen, "")
    choices = [
        Choice(text, urls.list_params(query, **{name: value}, offset=None), value == chosen)
        for value, text in names
    ]
    if removable:
        choices.insert(0, Choice(t("all"), everything, not chosen))
    return Menu(name, t(name), label, choices, everything if chosen and removable else "")


def _limits(query: ListQuery, t: Translator) -> list[Choice]:
    """Return what else limits the list, each with the URL without it."""
    written = dict(query.written)
    limits = []
    if query.quarantined:
        limits.append(("quarantined", t("quarantined_shown")))
    if not query.pins:
        limits.append(("pins", t("without_pins")))
    if written.get("limit"):
        limits.append(("limit", t("rows", number=written["limit"])))
    return [
        Choice(label, urls.list_params(query, **{name: None}, offset=None), chosen=True)
        for name, label in limits
    ]


def _zone(query: ListQuery, defaults: ListDefaults, t: Translator) -> Menu:
    written = dict(query.written).get("tz", "")
    names = [(each, each) for each in dict.fromkeys((defaults.tz, "UTC", written)) if each]
    zone = _single(query, "tz", names, written or defaults.tz, t, removable=False)
    # The city says enough where room is scarce: Almaty of Asia/Almaty.
    return replace(zone, value=zone.value.rpartition("/")[2].replace("_", " "))


def _with(names: Sequence[str], chosen: str) -> Sequence[str]:
    return names if not chosen or chosen in names else (*names, chosen)


def _written(duration: timedelta | None) -> str:
    if duration is None:
        return "none"
    hours = round(duration.total_seconds() / 3600)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"


def _duration(written: str, t: Translator) -> str:
    if written == "none":
        return t("no_half_life")
    return t("age.hours" if written.endswith("h") else "age.days", number=written[:-1])
