"""The tracker in a real Chromium, each time by the number that the ranking then tells."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Frame, Page

from tests.support.publisher import COLLECT, NEWS, TRACKER, Publisher, page, script
from tests.support.servers import free_ports
from tests.support.system import Service, wait_until

READY = "!!window.mostread?.like"


@pytest.fixture
def reader(publisher: Publisher) -> Iterator[BrowserContext]:
    reader = publisher.reader()
    yield reader
    reader.close()


def opened(reader: BrowserContext, address: str) -> Page:
    """Return the page with the tracker running on it."""
    tab = reader.new_page()
    tab.goto(address)
    tab.wait_for_function(READY)
    return tab


def looked_at(tab: Page | Frame) -> None:
    """Return when the tracker has looked at a loaded page, whatever it then did."""
    # It looks each second; timers go off in the order in which they are due.
    tab.evaluate("new Promise((looked) => setTimeout(looked, 1001))")


def records(tab: Page) -> dict[str, str]:
    """Return what the tracker keeps in the browser."""
    kept: dict[str, str] = tab.evaluate("({...localStorage})")
    return kept


def test_a_view_when_the_page_is_opened_and_none_when_it_is_reloaded(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = opened(reader, publisher.article("opened", 'data-site="steppe"'))
    for _ in range(2):
        tab.reload()
        tab.wait_for_function(READY)
        looked_at(tab)
    looked_at(opened(reader, f"{NEWS}/opened"))  # in another tab
    publisher.counts({"opened": (1,)}, site="steppe")
    assert reader.cookies() == []
    other = publisher.reader()
    opened(other, f"{NEWS}/opened")
    publisher.counts({"opened": (2,)}, site="steppe")
    other.close()


def test_half_an_hour_later_it_is_another_view(
    publisher: Publisher, reader: BrowserContext
) -> None:
    looked_at(opened(reader, publisher.article("later")))
    reader.clock.install()
    reader.clock.fast_forward("31:00")
    tab = opened(reader, f"{NEWS}/later")
    publisher.counts({"later": (2,)})
    assert len(records(tab)) == 1


def test_likes_count_once_and_comments_each_also_those_before_the_script(
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


def test_the_page_says_which_article_it_is(publisher: Publisher, reader: BrowserContext) -> None:
    says_article = '<meta property="og:type" content="article">'
    linked = '<link rel=canonical href="/дала/жылқысы?id=5">'
    graph = {"@context": "https://schema.org", "@graph": [{"@type": "NewsArticle"}]}
    listed = {"@type": "ItemList", "itemListElement": [{"@type": "NewsArticle"}]}
    pages = publisher.newspaper.pages
    pages["/linked"] = page(script() + says_article + linked)
    pages["/og"] = page(
        script() + says_article + '<meta property="og:url" content="https://m.example/og-1">'
    )
    pages["/json-ld"] = page(
        script(), f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    )
    pages["/windows-1251/%CF%F0"] = page(script() + says_article)
    pages["/section"] = page(
        script() + '<link rel=canonical href="/section">',
        f'<script type="application/ld+json">{json.dumps(listed)}</script>',
    )
    for path in ("linked?utm=1", "og", "json-ld?utm=1", "windows-1251/%CF%F0", "section"):
        tab = opened(reader, f"{NEWS}/{path}")
    looked_at(tab)
    articles = ("/дала/жылқысы?id=5", "/og-1", "/json-ld", "/windows-1251/%CF%F0")
    publisher.counts({**dict.fromkeys(articles, (1,)), "/section": (0,)})


def test_an_app_that_changes_its_address_and_its_head(
    publisher: Publisher, reader: BrowserContext
) -> None:
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
        wait_until(lambda: key in records(tab), f"{article} is seen")

    seen("/app/1")
    tab.evaluate(go, ["pushState", "/app/2", "article"])
    seen("/app/2")
    tab.evaluate("history.replaceState({}, '', '/app/2?share=1#top')")  # neither is another page
    tab.evaluate("location.hash = 'comments'")
    tab.evaluate(go, ["pushState", "/app", "website"])  # no article
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


def test_an_app_that_says_itself_what_is_seen(publisher: Publisher, reader: BrowserContext) -> None:
    publisher.newspaper.pages["/spa"] = page(script('data-article=""'))
    tab = opened(reader, f"{NEWS}/spa")
    for article in ("first", "first", "second", "first"):  # drawn again, there, and back
        tab.evaluate("article => mostread.view(article)", article)
    publisher.counts({"first": (1,), "second": (1,)})


def test_back_from_the_back_forward_cache(publisher: Publisher, reader: BrowserContext) -> None:
    publisher.newspaper.pages["/elsewhere"] = page("")
    tab = opened(reader, publisher.article("cached"))
    looked_at(tab)
    tab.evaluate("restored = false; addEventListener('pageshow', e => restored = e.persisted)")
    # As if the half hour was over when the reader comes back.
    tab.evaluate("addEventListener('pagehide', () => localStorage.clear())")
    tab.goto(f"{NEWS}/elsewhere")
    tab.evaluate("history.back()")
    tab.wait_for_url(f"{NEWS}/cached", wait_until="commit")
    assert tab.evaluate("restored") is True
    publisher.counts({"cached": (2,)})


def test_offline_and_a_reload_lose_nothing(publisher: Publisher, reader: BrowserContext) -> None:
    tab = opened(reader, publisher.article("offline"))
    reader.set_offline(True)
    tab.evaluate("mostread.like(); mostread.view('read-offline')")
    # More than may be under way when a page is left: 64 KiB. It goes in two requests.
    long = "ж" * 128
    tab.evaluate("long => { for (let n = 0; n < 190; n++) mostread.comment(long) }", long)
    wait_until(lambda: len(records(tab)) == 193, "all of it is kept")
    tab.close()
    reader.set_offline(False)
    publisher.article("online")
    opened(reader, f"{NEWS}/online")
    one = dict.fromkeys(("read-offline", "online"), (1,))
    publisher.counts({"offline": (1, 0, 1), long: (0, 190), **one})


def test_a_page_that_stays_open_sends_what_waits(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = opened(reader, publisher.article("open"))
    reader.set_offline(True)
    tab.evaluate("mostread.comment()")
    reader.set_offline(False)
    publisher.counts({"open": (1, 1)})


def test_what_waits_longer_than_ids_are_known_is_dropped(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = opened(reader, publisher.article("dropped"))
    reader.set_offline(True)
    tab.evaluate("mostread.comment()")
    wait_until(lambda: len(records(tab)) == 2, "it is kept")
    reader.clock.install()
    reader.clock.fast_forward("26:00")
    reader.set_offline(False)
    tab = opened(reader, f"{NEWS}/dropped")
    publisher.counts({"dropped": (1,)})
    assert list(records(tab)) == ["mostread:view,,dropped"]


@pytest.fixture
def without_kafka(publisher: Publisher) -> Service:
    """A collector that has none: it answers 503."""
    (port,) = free_ports(1)
    service = publisher.system.service("collector", MOSTREAD_KAFKA_BROKERS=f"127.0.0.1:{port}")
    wait_until(lambda: "kafka" in service.failing(), "it knows that Kafka is away")
    return service


def test_a_collector_without_kafka_and_one_that_is_away(
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


def test_blocked_or_full_storage(publisher: Publisher, reader: BrowserContext) -> None:
    address = publisher.article("blocked")
    publisher.newspaper.headers["/blocked"] = {"Content-Security-Policy": "sandbox allow-scripts"}
    tab = opened(reader, address)
    assert tab.evaluate("(() => { try { localStorage } catch (e) { return e.name } })()")
    tab.evaluate("mostread.like(); mostread.like()")
    opened(reader, address)  # the collector knows the view by the reader's half hour
    fill = """<script>
        for (let size = 1 << 22; size >= 1; size /= 2)
            for (let n = 0; n < 3; n++)
                try { localStorage["x" + size + n] = "x".repeat(size) } catch {}
    </script>"""
    publisher.newspaper.pages["/full"] = page(fill + script('data-article="full"'))
    tab = opened(reader, f"{NEWS}/full")
    tab.evaluate("mostread.comment()")
    publisher.counts({"blocked": (1, 0, 1), "full": (1, 1)})


def test_under_a_strict_policy_with_a_nonce_and_an_embedder_policy(
    publisher: Publisher, reader: BrowserContext
) -> None:
    policy = f"default-src 'none'; script-src 'nonce-3f2a'; connect-src {COLLECT}"
    publisher.newspaper.headers["/strict"] = {
        "Content-Security-Policy": policy,
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
    tab = reader.new_page()
    violations: list[str] = []
    tab.on("console", lambda said: violations.append(said.text))
    publisher.article("strict", 'nonce="3f2a"')
    tab.goto(f"{NEWS}/strict")
    publisher.counts({"strict": (1,)})
    assert [said for said in violations if "Policy" in said] == []


def test_two_trackers_on_a_page_count_once(publisher: Publisher, reader: BrowserContext) -> None:
    publisher.newspaper.pages["/twice"] = page(script('data-article="twice"') * 2)
    tab = opened(reader, f"{NEWS}/twice")
    tab.evaluate(
        """src => new Promise((loaded) => {
            let another = document.createElement("script");
            another.dataset.article = "another";
            another.dataset.automation = "";
            another.onload = loaded;
            another.src = src;
            document.head.append(another);
        })""",
        TRACKER,
    )
    tab.evaluate("mostread.comment()")
    publisher.counts({"twice": (1, 1), "another": (0,)})


def test_who_asks_not_to_be_tracked_where_it_is_respected(
    publisher: Publisher, reader: BrowserContext
) -> None:
    # Chromium has no Global Privacy Control, and no Do Not Track that a test can set.
    for name, signal in ("dnt", "doNotTrack: '1'"), ("gpc", "globalPrivacyControl: true"):
        asking = publisher.reader()
        asking.add_init_script(
            f"for (let [n, value] of Object.entries({{{signal}}}))"
            " Object.defineProperty(Navigator.prototype, n, { value })"
        )
        tab = opened(asking, publisher.article(f"{name}-respected", "data-dnt"))
        tab.evaluate("mostread.like(); mostread.comment(); mostread.view('told')")
        looked_at(tab)
        assert records(tab) == {}
        opened(asking, publisher.article(f"{name}-overlooked"))
        asking.close()
    opened(reader, publisher.article("asked-nothing", "data-dnt"))
    counted = ("dnt-overlooked", "gpc-overlooked", "asked-nothing")
    respected = ("dnt-respected", "gpc-respected", "told")
    publisher.counts({**dict.fromkeys(counted, (1,)), **dict.fromkeys(respected, (0,))})


def test_localhost_automation_and_frames_only_where_told(
    publisher: Publisher, reader: BrowserContext
) -> None:
    pages = publisher.newspaper.pages
    local = f"http://localhost:{publisher.newspaper.port}"
    publisher.article("local")
    publisher.article("local-told", "data-localhost")
    for name in ("local", "local-told"):
        tab = opened(reader, f"{local}/{name}")
        tab.evaluate("mostread.like()")
        looked_at(tab)
    opened(reader, f"{local.replace('localhost', '127.0.0.1')}/local")
    pages["/automation"] = page(f"<script async src={TRACKER} data-article=automation></script>")
    looked_at(opened(reader, f"{NEWS}/automation"))
    pages["/frame"] = page(script('data-article="frame"'))
    pages["/frame-told"] = page(script('data-article="frame-told" data-iframe'))
    pages["/frames"] = page("", '<iframe src="/frame"></iframe><iframe src="/frame-told"></iframe>')
    tab = reader.new_page()
    tab.goto(f"{NEWS}/frames")
    for frame in tab.frames[1:]:
        frame.wait_for_function(READY)
        looked_at(frame)
    ignored = ("local", "automation", "frame")
    publisher.counts({"local-told": (1, 0, 1), "frame-told": (1,), **dict.fromkeys(ignored, (0,))})
