"""The tracker in Chromium, verified by the counts that the ranking returns."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Route

from tests.support.publisher import COLLECT, NEWS, Publisher, page, script
from tests.support.servers import free_ports
from tests.support.system import Service, wait_until

READY = "!!window.mostread?.like"


@pytest.fixture
def reader(publisher: Publisher) -> Iterator[BrowserContext]:
    reader = publisher.reader()
    yield reader
    reader.close()


def opened(reader: BrowserContext, address: str) -> Page:
    """Open a page and wait until the tracker runs on it."""
    tab = reader.new_page()
    tab.goto(address)
    tab.wait_for_function(READY)
    return tab


def poll(tab: Page | Frame) -> None:
    """Wait until the tracker has polled a loaded page, whether or not it sent an event."""
    # It polls every two seconds, and timers fire in the order in which they are due.
    tab.evaluate("new Promise((polled) => setTimeout(polled, 2001))")


def records(tab: Page) -> dict[str, str]:
    """Return the local storage of the page."""
    storage: dict[str, str] = tab.evaluate("({...localStorage})")
    return storage


def test_view_counts_once_across_reloads_and_tabs(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = opened(reader, publisher.article("opened", 'data-site="steppe"'))
    for _ in range(2):
        tab.reload()
        tab.wait_for_function(READY)
        poll(tab)
    poll(opened(reader, f"{NEWS}/opened"))  # in another tab
    publisher.counts({"opened": (1,)}, site="steppe")
    assert reader.cookies() == []
    other = publisher.reader()
    opened(other, f"{NEWS}/opened")
    publisher.counts({"opened": (2,)}, site="steppe")
    other.close()


def test_view_counts_again_after_half_an_hour(publisher: Publisher, reader: BrowserContext) -> None:
    poll(opened(reader, publisher.article("later")))
    reader.clock.install()
    reader.clock.fast_forward("31:00")
    tab = opened(reader, f"{NEWS}/later")
    publisher.counts({"later": (2,)})
    assert len(records(tab)) == 1


def test_likes_count_once_and_comments_each_including_early_calls(
    publisher: Publisher, reader: BrowserContext
) -> None:
    early = '<script>(window.mostread ||= []).push(["comment", "spoken-of"])</script>'
    publisher.newspaper.pages["/spoken-of"] = page(
        early + script('data-article="spoken-of"'),
        """<button id=like onclick="mostread.like('spoken-of')">+</button>
        <button id=here onclick="mostread.like()">+</button>
        <button id=comment onclick="mostread.comment()">+</button>
        <button id=push onclick="mostread.push(['comment', 'spoken-of'])">+</button>""",
    )
    tab = opened(reader, f"{NEWS}/spoken-of")
    for button in ("like", "here", "comment", "comment", "push", "like"):
        tab.click(f"#{button}")
    tab.evaluate("mostread.like(42)")
    publisher.counts({"spoken-of": (1, 4, 1), "42": (0, 0, 1)})


def test_article_id_comes_from_the_page(publisher: Publisher, reader: BrowserContext) -> None:
    article_type = '<meta property="og:type" content="article">'
    linked = '<link rel=canonical href="/дала/жылқысы?id=5">'
    graph = {"@context": "https://schema.org", "@graph": [{"@type": "NewsArticle"}]}
    listed = {"@type": "ItemList", "itemListElement": [{"@type": "NewsArticle"}]}
    pages = publisher.newspaper.pages
    pages["/linked"] = page(script() + article_type + linked)
    pages["/og"] = page(
        script() + article_type + '<meta property="og:url" content="https://m.example/og-1">'
    )
    pages["/json-ld"] = page(
        script(), f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    )
    pages["/windows-1251/%CF%F0"] = page(script() + article_type)
    pages["/section"] = page(
        script() + '<link rel=canonical href="/section">',
        f'<script type="application/ld+json">{json.dumps(listed)}</script>',
    )
    for path in ("linked?utm=1", "og", "json-ld?utm=1", "windows-1251/%CF%F0", "section"):
        tab = opened(reader, f"{NEWS}/{path}")
    poll(tab)
    articles = ("/дала/жылқысы?id=5", "/og-1", "/json-ld", "/windows-1251/%CF%F0")
    publisher.counts({**dict.fromkeys(articles, (1,)), "/section": (0,)})


def test_single_page_app_counts_each_article(publisher: Publisher, reader: BrowserContext) -> None:
    head = script() + '<meta property="og:type" content="article">'
    publisher.newspaper.pages["/app/1"] = page(head + '<link rel=canonical href="/app/1">')
    tab = opened(reader, f"{NEWS}/app/1")
    go = """([how, path, kind]) => {
        history[how]({}, "", path);
        document.querySelector("link[rel=canonical]").href = path;
        document.querySelector("meta").content = kind;
    }"""

    def seen(article: str) -> None:
        key = f"mostread:view,,{article}"
        wait_until(lambda: key in records(tab), f"the tracker sees {article}")

    seen("/app/1")
    tab.evaluate(go, ["pushState", "/app/2", "article"])
    seen("/app/2")
    tab.evaluate("history.replaceState({}, '', '/app/2?share=1#top')")  # neither is a new page
    tab.evaluate("location.hash = 'comments'")
    tab.evaluate(go, ["pushState", "/app", "website"])  # not an article
    tab.evaluate(go, ["replaceState", "/app/3", "article"])
    seen("/app/3")
    tab.evaluate(
        """() => {
        addEventListener("popstate", () => {
            document.querySelector("link[rel=canonical]").href = "/app/4";
        });
        history.go(-1);
    }"""
    )
    seen("/app/4")
    articles = ("/app/1", "/app/2", "/app/3", "/app/4")
    publisher.counts({**dict.fromkeys(articles, (1,)), "/app": (0,)})


def test_single_page_app_may_report_views_itself(
    publisher: Publisher, reader: BrowserContext
) -> None:
    publisher.newspaper.pages["/spa"] = page(script('data-article=""'))
    tab = opened(reader, f"{NEWS}/spa")
    for article in ("first", "first", "second", "first"):  # rendered twice, away and back
        tab.evaluate("article => mostread.view(article)", article)
    publisher.counts({"first": (1,), "second": (1,)})


def test_page_restored_from_back_forward_cache_counts_again(
    publisher: Publisher, reader: BrowserContext
) -> None:
    publisher.newspaper.pages["/elsewhere"] = page("")
    tab = opened(reader, publisher.article("cached"))
    poll(tab)
    tab.evaluate("restored = false; addEventListener('pageshow', e => restored = e.persisted)")
    # As if the half hour had ended before the reader returns.
    tab.evaluate("addEventListener('pagehide', () => localStorage.clear())")
    tab.goto(f"{NEWS}/elsewhere")
    tab.evaluate("history.back()")
    tab.wait_for_url(f"{NEWS}/cached", wait_until="commit")
    assert tab.evaluate("restored") is True
    publisher.counts({"cached": (2,)})


def test_offline_events_survive_a_closed_page(publisher: Publisher, reader: BrowserContext) -> None:
    tab = opened(reader, publisher.article("offline"))
    reader.set_offline(True)
    tab.evaluate("mostread.like(); mostread.view('read-offline')")
    # More than the 64 KiB that keepalive requests may carry: some are refused, and sent again.
    long = "ж" * 128
    tab.evaluate("long => { for (let n = 0; n < 190; n++) mostread.comment(long) }", long)
    wait_until(lambda: len(records(tab)) == 193, "all events are stored")
    tab.close()
    reader.set_offline(False)
    publisher.article("online")
    opened(reader, f"{NEWS}/online")
    one = dict.fromkeys(("read-offline", "online"), (1,))
    publisher.counts({"offline": (1, 0, 1), long: (0, 190), **one})


def test_open_page_retries_waiting_events(publisher: Publisher, reader: BrowserContext) -> None:
    tab = opened(reader, publisher.article("open"))
    reader.set_offline(True)
    tab.evaluate("mostread.comment()")
    reader.set_offline(False)
    publisher.counts({"open": (1, 1)})


def test_event_in_flight_is_sent_again_only_some_seconds_later(
    publisher: Publisher, reader: BrowserContext
) -> None:
    routes: list[Route] = []

    def leave_unanswered(route: Route) -> None:
        routes.append(route)

    reader.route("**/v1/items?*", leave_unanswered)
    now = datetime.now(UTC)
    reader.clock.set_fixed_time(now)  # timers run
    early = '<script>(window.mostread ||= []).push(["like", "slow"])</script>'
    publisher.newspaper.pages["/slow"] = page(early + script('data-article="slow"'))
    tab = opened(reader, f"{NEWS}/slow")
    tab.evaluate("mostread.comment(); mostread.like()")
    tab.reload()
    poll(opened(reader, f"{NEWS}/slow"))
    tab.evaluate("new Promise((tried) => setTimeout(tried, 5001))")
    sent = [json.loads(route.request.post_data or "")["type"] for route in routes]
    assert sorted(sent) == ["comment", "like", "view"]
    with tab.expect_request("**/v1/items?*"):
        reader.clock.set_fixed_time(now + timedelta(seconds=6))
    reader.unroute("**/v1/items?*")  # lets them through
    publisher.counts({"slow": (1, 1, 1)})


def test_events_older_than_the_resend_limit_are_dropped(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = opened(reader, publisher.article("dropped"))
    reader.set_offline(True)
    tab.evaluate("mostread.comment()")
    wait_until(lambda: len(records(tab)) == 2, "the event is stored")
    reader.clock.install()
    reader.clock.fast_forward("26:00")
    reader.set_offline(False)
    tab = opened(reader, f"{NEWS}/dropped")
    publisher.counts({"dropped": (1,)})
    wait_until(lambda: list(records(tab)) == ["mostread:view,,dropped"], "the comment is dropped")


@pytest.fixture
def without_kafka(publisher: Publisher) -> Service:
    """A collector without Kafka, which answers 503."""
    (port,) = free_ports(1)
    service = publisher.system.service("collector", MOSTREAD_KAFKA_BROKERS=f"127.0.0.1:{port}")
    wait_until(lambda: "kafka" in service.failing(), "it reports Kafka as unavailable")
    return service


def test_events_survive_an_unavailable_collector(
    publisher: Publisher, reader: BrowserContext, without_kafka: Service
) -> None:
    src = f"{without_kafka.url}/tracker.js"
    publisher.newspaper.pages["/waiting"] = page(script('data-article="waiting"', src))
    with reader.expect_event("response", lambda answer: answer.status == 503):
        tab = opened(reader, f"{NEWS}/waiting")
    without_kafka.stop()
    tab.evaluate("mostread.like()")
    with_kafka = publisher.system.environment["MOSTREAD_KAFKA_BROKERS"]
    without_kafka.start(MOSTREAD_KAFKA_BROKERS=with_kafka)
    publisher.counts({"waiting": (1, 0, 1)})


def test_tracker_works_with_blocked_or_full_storage(
    publisher: Publisher, reader: BrowserContext
) -> None:
    address = publisher.article("blocked")
    publisher.newspaper.headers["/blocked"] = {"Content-Security-Policy": "sandbox allow-scripts"}
    tab = opened(reader, address)
    assert tab.evaluate("(() => { try { localStorage } catch (e) { return e.name } })()")
    tab.evaluate("mostread.like(); mostread.like()")
    opened(reader, address)  # the collector derives the same view id
    fill = """<script>
        for (let size = 1 << 22; size >= 1; size /= 2)
            for (let n = 0; n < 3; n++)
                try { localStorage["x" + size + n] = "x".repeat(size) } catch {}
    </script>"""
    publisher.newspaper.pages["/full"] = page(fill + script('data-article="full"'))
    tab = opened(reader, f"{NEWS}/full")
    tab.evaluate("mostread.comment()")
    publisher.counts({"blocked": (1, 0, 1), "full": (1, 1)})


def test_trackers_run_under_strict_csp_and_coep(
    publisher: Publisher, reader: BrowserContext
) -> None:
    policy = f"default-src 'none'; script-src 'nonce-3f2a'; connect-src {COLLECT}"
    tab = reader.new_page()
    violations: list[str] = []
    tab.on("console", lambda message: violations.append(message.text))
    for name, attributes in (("strict", ""), ("strict-full", "data-dnt")):
        publisher.newspaper.headers[f"/{name}"] = {
            "Content-Security-Policy": policy,
            "Cross-Origin-Embedder-Policy": "require-corp",
        }
        tab.goto(publisher.article(name, f'nonce="3f2a" {attributes}'))
        tab.wait_for_function(READY)
        poll(tab)
    publisher.counts({"strict": (1,), "strict-full": (1,)})
    assert [text for text in violations if "Policy" in text] == []


def test_tags_of_one_page_count_each_article_and_site_once(
    publisher: Publisher, reader: BrowserContext
) -> None:
    publisher.newspaper.pages["/twice"] = page(
        script('data-article="twice"') * 2
        + script('data-article="twice" data-site="group"')
        + script('data-article="other"')
    )
    tab = opened(reader, f"{NEWS}/twice")
    poll(tab)
    publisher.counts({"twice": (1,), "other": (1,)})
    publisher.counts({"twice": (1,), "other": (0,)}, site="group")


def test_privacy_signals_are_honoured_with_data_dnt_only(
    publisher: Publisher, reader: BrowserContext
) -> None:
    # Chromium lacks Global Privacy Control, and tests cannot set Do Not Track.
    for name, signal in ("dnt", "doNotTrack: '1'"), ("gpc", "globalPrivacyControl: true"):
        asking = publisher.reader()
        asking.add_init_script(
            f"for (let [n, value] of Object.entries({{{signal}}}))"
            " Object.defineProperty(Navigator.prototype, n, { value })"
        )
        tab = opened(asking, publisher.article(f"{name}-respected", "data-dnt"))
        tab.evaluate("mostread.like(); mostread.comment(); mostread.view('dnt-view')")
        poll(tab)
        assert records(tab) == {}
        opened(asking, publisher.article(f"{name}-overlooked"))
        asking.close()
    opened(reader, publisher.article("no-signal", "data-dnt"))
    counted = ("dnt-overlooked", "gpc-overlooked", "no-signal")
    respected = ("dnt-respected", "gpc-respected", "dnt-view")
    publisher.counts({**dict.fromkeys(counted, (1,)), **dict.fromkeys(respected, (0,))})


def test_localhost_automation_and_frames_need_attributes(
    publisher: Publisher, reader: BrowserContext
) -> None:
    pages = publisher.newspaper.pages
    local = f"http://localhost:{publisher.newspaper.port}"
    publisher.article("local")
    publisher.article("local-enabled", "data-localhost")
    for name in ("local", "local-enabled"):
        tab = opened(reader, f"{local}/{name}")
        tab.evaluate("mostread.like()")
        poll(tab)
    opened(reader, f"{local.replace('localhost', '127.0.0.1')}/local")
    driven = publisher.reader()
    driven.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'webdriver', { value: true })"
    )
    poll(opened(driven, publisher.article("automation")))
    poll(opened(driven, publisher.article("automation-enabled", "data-automation")))
    driven.close()
    pages["/frame"] = page(script('data-article="frame"'))
    pages["/frame-enabled"] = page(script('data-article="frame-enabled" data-iframe'))
    pages["/frames"] = page(
        "", '<iframe src="/frame"></iframe><iframe src="/frame-enabled"></iframe>'
    )
    tab = reader.new_page()
    tab.goto(f"{NEWS}/frames")
    for frame in tab.frames[1:]:
        frame.wait_for_function(READY)
        poll(frame)
    not_counted = ("local", "automation", "frame")
    enabled = dict.fromkeys(("frame-enabled", "automation-enabled"), (1,))
    publisher.counts({"local-enabled": (1, 0, 1), **enabled, **dict.fromkeys(not_counted, (0,))})
