"""Addresses of mostread on public pages against the filter lists of content blockers."""

import pytest
from adblock import Engine, FilterSet

from mostread.collector.api import events, pixel, tracker
from tests.support.tools import debian_files

LISTS = (
    "thirdparties/easylist/easylist.txt",
    "thirdparties/easylist/easyprivacy.txt",
    "ublock/filters.min.txt",
    "ublock/privacy.min.txt",
    "ublock/quick-fixes.min.txt",
    "ublock/unbreak.min.txt",
)
PAGES = ("https://news.example/2026/lamps", "https://another.example/page")
BASES = (
    "https://count.news.example",
    "https://stats.news.example",
    "https://news.example/mostread",
)
QUERY = "article_id=%2F2026%2Flamps&site=news&id=letter-7.4711&visitor=9f2a"


@pytest.fixture(scope="module")
def blocker() -> Engine:
    """Brave's engine with the lists of uBlock Origin; its extension for Firefox contains them."""
    pattern = "mozilla/extensions/*/uBlock0@raymondhill.net/assets"
    assets = debian_files("webext-ublock-origin-firefox", pattern)
    rules = FilterSet()
    for name in LISTS:
        rules.add_filter_list((assets / name).read_text())
    return Engine(rules)


def blocked(blocker: Engine, path: str, kind: str) -> list[tuple[str, str]]:
    """Return the URLs that are blocked, and the pages that request them."""
    return [
        (f"{base}{path}", page)
        for base in BASES
        for page in PAGES
        if blocker.check_network_urls(f"{base}{path}", page, kind).matched
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((script.unblocked_path, "script") for script in tracker.SCRIPTS),
        ("/page.js?site=news&article=lamps", "script"),
        (events.UNBLOCKED_PATH, "xmlhttprequest"),
        (f"{events.UNBLOCKED_PATH}?sent_at=1795461787364", "xmlhttprequest"),
        (f"{pixel.UNBLOCKED_PATH}?{QUERY}", "image"),
        ("/widget.js", "script"),
        ("/v1/most-read?window=24h", "xmlhttprequest"),
        ("/v1/counts?id=lamps&id=4711", "xmlhttprequest"),
    ],
)
def test_unblocked_path_is_not_on_a_list(blocker: Engine, path: str, kind: str) -> None:
    assert blocked(blocker, path, kind) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{pixel.PATH}?{QUERY}", "image"),
        # docs/how-to/events.md advises against sendBeacon to another site.
        (events.UNBLOCKED_PATH, "ping"),
    ],
)
def test_documented_reason_for_other_paths_holds(blocker: Engine, path: str, kind: str) -> None:
    assert (f"{BASES[0]}{path}", PAGES[1]) in blocked(blocker, path, kind)
