"""How a browser shows the pages: theme, density, scale of sparklines, comparison, time zone.

Remembered in a cookie, not in local storage: the service renders the page that way at once, so
that nothing flashes and the page needs no script for it. static/view.js writes the cookie.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, get_args
from urllib.parse import parse_qsl

from mostread.core.ranking.comparison import Comparison
from mostread.infra.http.messages import Request
from mostread.ranking.auth.cookies import cookies
from mostread.ranking.queries import ListDefaults, zone_name

COOKIE = "mostread_view"

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("auto", "light", "dark"),
    "density": ("compact", "roomy"),
    "scale": ("own", "shared"),
    "compare": (*get_args(Comparison), "none"),
}


class View(NamedTuple):
    """The choices of a browser; an empty `compare` leaves it to the window.

    `tz` is the zone of its computer, empty until a script sets it.
    """

    theme: str = "auto"
    density: str = "compact"
    scale: str = "own"
    compare: str = ""
    tz: str = ""


def view_of(request: Request) -> View:
    """Return the choices in the cookie of a request; anything else in it is ignored."""
    # Where there are several, the last one counts.
    values = dict(parse_qsl(dict(cookies(request)).get(COOKIE, "")))
    chosen = {name: values[name] for name in _CHOICES if values.get(name) in _CHOICES[name]}
    return View(**chosen, tz=_zone(values.get("tz", "")))


def local_defaults(request: Request, defaults: ListDefaults) -> ListDefaults:
    """Return the defaults with the time zone of the browser, if it is known."""
    return replace(defaults, tz=view_of(request).tz or defaults.tz)


def _zone(written: str) -> str:
    try:
        return zone_name(written)
    except ValueError:
        return ""
