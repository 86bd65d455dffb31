"""Ways to load and configure the tracker, and what pages and browsers get wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Response

from mostread.core import article_ids
from tests.support.publisher import COLLECT, NEWS, TRACKER, Publisher, page, script
from tests.support.system import wait_until

CASES = json.loads(
    (Path(__file__).parents[3] / "schemas/examples/article_ids.json").read_text(encoding="utf-8")
)
ARTICLE = '<meta property="og:type" content="article">'
QUEUE = "(window.mostread = window.mostread || []).push"


@pytest.fixture
def reader(publisher: Publisher) -> Iterator[BrowserContext]:
    reader = publisher.reader()
    yield reader
    reader.close()


@pytest.fixture
def tab(reader: BrowserContext) -> Iterator[Page]:
    """A page of a new reader; an error in any script of it fails the test."""
    errors: list[str] = []
    reader.on("weberror", lambda error: errors.append(str(error.error)))
    yield reader.new_page()
    assert errors == []


def console_of(reader: BrowserContext) -> list[str]:
    """Return the list to which the tracker's messages on all pages of a reader are added."""
    messages: list[str] = []

    def add(message: ConsoleMessage) -> None:
        if message.text.startswith("mostread:"):
            messages.append(message.text)

    reader.on("console", add)
    return messages


def visit(tab: Page, publisher: Publisher, path: str, head: str, body: str = "") -> None:
    """Open a page and wait until the tracker runs on it and has looked."""
    publisher.newspaper.pages[path.partition("?")[0]] = page(head, body)
    tab.goto(NEWS + path)
    tab.wait_for_function("!!window.mostread?.like")
    tab.evaluate("new Promise((polled) => setTimeout(polled, 100))")


def test_tracker_finds_its_settings_without_a_running_tag(publisher: Publisher, tab: Page) -> None:
    module = f'<script type="module" src="{TRACKER}" data-article="module"></script>'
    visit(tab, publisher, "/module", module)
    unblocked = f'<script type="module" src="{COLLECT}/page.js" data-article="page"></script>'
    visit(tab, publisher, "/page", unblocked)
    loader = f'fetch("{TRACKER}").then((answer) => answer.text()).then((text) => (0, eval)(text))'
    tag = f'<script type="later" src="{TRACKER}" data-article="loader"></script>'
    visit(tab, publisher, "/loader", f"{tag}<script>{loader}</script>")
    standing_in = (
        f'<script>mostreadTag = {{src: "{TRACKER}", dataset: {{article: "import"}}}}</script>'
        f'<script type="module">import "{TRACKER}"</script>'
    )
    visit(tab, publisher, "/import", standing_in)
    visit(tab, publisher, "/address", script("", f"{TRACKER}?article=by%20address&amp;x-y=1"))
    articles = ("module", "page", "loader", "import", "by address")
    publisher.counts(dict.fromkeys(articles, (1,)))


def test_what_is_no_id_counts_nothing(publisher: Publisher, tab: Page) -> None:
    early = "".join(
        f"<script>{QUEUE}({call})</script>"
        for call in ('["view", undefined]', '["share", "x"]', "null", '["like", "liked"]')
    )
    visit(tab, publisher, "/early", script('data-article="early"'), early)
    tab.evaluate(
        """() => {
        for (let article of [undefined, null, NaN, "", "undefined", "null", {}])
            mostread.view(article);
        for (let article of [null, NaN, "", new Event("click")]) mostread.like(article);
        mostread.view(0);
    }"""
    )
    for text in ("undefined", "null", "NaN"):
        visit(tab, publisher, f"/{text}", script(f'data-article="{text}"'))
    nothing = ("undefined", "null", "NaN", "[object Object]", "[object Event]", "x")
    publisher.counts({"early": (1,), "0": (1,), "liked": (0, 0, 1), **dict.fromkeys(nothing, (0,))})


def test_alien_records_and_elements_cost_only_themselves(publisher: Publisher, tab: Page) -> None:
    records = {"mostread:a": "hello", "mostread:b": "null", "mostread:c": '{"timestamp": "x"}'}
    alien = (
        f"<script>Object.assign(localStorage, {json.dumps(records)}, {{other: 'kept'}})</script>"
    )
    visit(tab, publisher, "/alien", alien + script('data-article="alien"'))
    wait_until(
        lambda: (
            sorted(tab.evaluate("Object.keys(localStorage)")) == ["mostread:view,,alien", "other"]
        ),
        "alien records are removed",
    )
    clash = '<form id="mostread"><button name="like">+</button></form><i id="mostread"></i>'
    visit(tab, publisher, "/clash", script('data-article="clash"'), clash)
    tab.evaluate("mostread.push(['like', 'clash'])")
    publisher.counts({"alien": (1,), "clash": (1, 0, 1)})


def test_broken_addresses_fall_back_to_the_location(publisher: Publisher, tab: Page) -> None:
    campaign = "?utm_source=tw&fbclid=Zz"
    for path, href in (
        ("/no-host", "https://"),
        ("/half-address", "http://[::1"),
        ("/empty", ""),
        ("/self", f"/self{campaign}&id=5"),
    ):
        link = f'<link rel="canonical" href="{href}">'
        visit(tab, publisher, path + campaign, script() + ARTICLE + link)
    publisher.counts(dict.fromkeys(("/no-host", "/half-address", "/empty", "/self?id=5"), (1,)))


def test_ids_follow_the_rule_of_all_sources(publisher: Publisher, tab: Page) -> None:
    answers: dict[str, tuple[str, int]] = {}

    def record(answer: Response) -> None:
        request = answer.request
        if request.method == "POST":
            event = json.loads(request.post_data or "")
            answers[event["site"]] = (event["article_id"], answer.status)

    tab.on("response", record)
    visit(tab, publisher, "/table", script('data-article=""'))
    ignored = ("", "undefined", "null", "NaN")
    sent = {f"case-{n}" for n, case in enumerate(CASES) if case.get("given") not in ignored}
    # A tag for each case, at an address of its own, so that the tracker of the last case ends.
    tab.evaluate(
        """async ([src, cases, sent]) => {
        for (let [number, {url, given}] of cases.entries()) {
            let site = "case-" + number;
            history.replaceState(null, "", "/table/" + number);
            document.head.innerHTML = "";
            let add = (name, properties) => document.head.append(
                Object.assign(document.createElement(name), properties));
            if (url !== undefined) {
                add("meta", {content: "article"});
                document.querySelector("meta").setAttribute("property", "og:type");
                add("link", {rel: "canonical", href: url});
            }
            let tag = document.createElement("script");
            tag.dataset.site = site;
            if (given !== undefined) tag.dataset.article = given;
            tag.src = src;
            document.head.append(tag);
            let key = `mostread:view,${site},`;
            while (sent.includes(site) && !Object.keys(localStorage).some((k) => k.startsWith(key)))
                await new Promise((later) => setTimeout(later, 5));
        }
    }""",
        [TRACKER, CASES, sorted(sent)],
    )

    def answered() -> bool:
        tab.evaluate("0")  # Playwright delivers events during its own calls only
        return answers.keys() >= sent

    wait_until(answered, "every case is answered")
    assert answers.keys() == sent
    for site, (sent_id, status) in answers.items():
        case = CASES[int(site.removeprefix("case-"))]
        if case["id"] is None:
            assert (case, status) == (case, 400)
        else:
            assert (case, status, article_ids.clean(sent_id)) == (case, 202, case["id"])


def test_tracker_says_why_it_does_not_count(publisher: Publisher, reader: BrowserContext) -> None:
    messages = console_of(reader)
    tab = reader.new_page()
    publisher.article("quiet")
    local = f"http://localhost:{publisher.newspaper.port}/quiet"
    tab.goto(local)
    tab.wait_for_function("!!window.mostread?.like")
    tab.evaluate("mostread.like()")
    assert messages == ["mostread: not counted (localhost); data-debug tells more"]
    messages.clear()
    publisher.article("loud", "data-debug")
    tab.goto(local.replace("quiet", "loud"))
    tab.wait_for_function("!!window.mostread?.like")
    assert messages[0] == "mostread: not counted (localhost)"
    messages.clear()
    visit(tab, publisher, "/counted", script('data-article="counted"'))
    assert messages == []


def test_data_debug_explains_the_id_and_the_answer(
    publisher: Publisher, reader: BrowserContext
) -> None:
    messages = console_of(reader)
    tab = reader.new_page()
    link = '<link rel="canonical" href="/explained?utm_source=tw">'
    visit(tab, publisher, "/debug", script("data-debug") + ARTICLE + link)
    tab.evaluate("mostread.like(null); mostread.push(['share', 'x'])")
    tab.evaluate("mostread.push(['view', undefined])")
    with tab.expect_console_message(lambda message: "sent comment,,{{id}}" in message.text):
        tab.evaluate("mostread.comment('{{id}}')")
    visit(tab, publisher, "/section", script("data-debug"))
    wait_until(lambda: len(messages) >= 10, "the script has logged all")
    assert messages[1:3] == [
        "mostread: article /explained, from link rel=canonical",
        'mostread: sent view,,/explained answer 202 {"accepted":1,"dropped":0,"rejected":[]}',
    ]
    assert "mostread: like not counted: no id in null" in messages
    assert "mostread: unknown call: [share, x]" in messages
    assert "mostread: view ignored: no id in undefined" in messages
    assert "mostread: is this id an unfilled template? {{id}}" in messages
    assert messages[-1].startswith("mostread: not an article")


def test_link_ignores_this_browser_until_another_counts_it(
    publisher: Publisher, reader: BrowserContext
) -> None:
    tab = reader.new_page()
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept()

    publisher.article("declined")
    tab.goto(f"{NEWS}/declined#mostread-ignore")  # Playwright dismisses the question
    wait_until(lambda: not tab.url.endswith("ignore"), "the question is answered")
    publisher.counts({"declined": (1,)})
    tab.on("dialog", answer)
    publisher.article("ignored")
    tab.goto(f"{NEWS}/ignored#mostread-ignore")
    wait_until(lambda: bool(questions), "the question is asked")
    tab.goto("about:blank")
    tab.goto(f"{NEWS}/ignored")
    tab.wait_for_function("!!window.mostread?.like")
    tab.evaluate("mostread.like()")
    publisher.article("again")
    tab.goto(f"{NEWS}/again#mostread-count")
    wait_until(lambda: len(questions) == 2, "the second question is asked")
    publisher.counts({"ignored": (0,), "again": (1,)})
    assert questions[0] == "mostread: ignore visits of this browser to news.example?"
