"""Requests that pages send in other ways than the tracker, and through a proxy with Basic auth."""

import json
import urllib.request
from collections.abc import Iterator

import pytest

from mostread.core.events import encode
from tests.support.browser import driven
from tests.support.collector import view
from tests.support.newspaper import Newspaper
from tests.support.nginx import running
from tests.support.publisher import COLLECT, NEWS, Publisher, hosts, page, script
from tests.support.servers import free_ports
from tests.support.system import System

STAGING = "http://staging.example"
ITEMS = f"{COLLECT}/v1/items"
SENDING = {
    "beacon-text": "navigator.sendBeacon(url, body)",
    "beacon-json": "navigator.sendBeacon(url, new Blob([body], {type: 'application/json'}))",
    "credentials": "fetch(url, {method: 'POST', body, credentials: 'include'})",
    "traceparent": "fetch(url, {method: 'POST', body, headers: {traceparent: '00-0af7-b7ad-01'}})",
    "xhr": """let xhr = new XMLHttpRequest();
              xhr.open('POST', url);
              xhr.setRequestHeader('Content-Type', 'application/json');
              xhr.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
              xhr.send(body)""",
}
# As instrumentation does to trace requests.
PATCH = """<script>
    let original = window.fetch;
    window.fetch = (url, options = {}) =>
        original(url, {...options, headers: {...options.headers, traceparent: "00-0af7-b7ad-01"}});
</script>"""


@pytest.fixture(scope="module")
def staging(
    counting: System, site: Newspaper, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Run nginx with the site behind Basic auth and the collector below /collect/."""
    (port,) = free_ports(1)
    collector = counting.services[0].port
    servers = f"""server {{
        listen 127.0.0.1:{port};
        location / {{
            add_header WWW-Authenticate "Basic realm=staging" always;
            if ($http_authorization != "Basic c3RhZ2luZzpwdw==") {{ return 401; }}
            proxy_pass http://127.0.0.1:{site.port};
        }}
        location /collect/ {{ proxy_pass http://127.0.0.1:{collector}/; }}
    }}"""
    with running(tmp_path_factory.mktemp("staging"), port, servers):
        yield port


@pytest.fixture(scope="module")
def publisher(counting: System, site: Newspaper, staging: int) -> Iterator[Publisher]:
    with driven({**hosts(site, counting), "staging.example": staging}) as browser:
        yield Publisher(site, counting, browser)


def test_every_way_of_sending_counts(publisher: Publisher) -> None:
    publisher.newspaper.pages["/sending"] = page(
        PATCH + script('data-article="instrumented" data-site="ways"')
    )
    reader = publisher.reader()
    tab = reader.new_page()
    tab.goto(f"{NEWS}/sending")
    for name, statement in SENDING.items():
        body = json.dumps({"type": "view", "article_id": name, "site": "ways"})
        tab.evaluate(f"([url, body]) => {{ {statement} }}", [ITEMS, body])
    publisher.counts(dict.fromkeys([*SENDING, "instrumented"], (1,)), site="ways")
    reader.close()


def test_page_behind_basic_auth_counts_through_a_path_prefix(publisher: Publisher) -> None:
    image = '<img src="/collect/v1/image?article_id=pictured&site=staging" alt="">'
    publisher.newspaper.pages["/staged"] = page(
        script('data-article="/2026/11/staged" data-site="staging"', src="/collect/page.js"), image
    )
    reader = publisher.browser.new_context(
        http_credentials={"username": "staging", "password": "pw"}
    )
    tab = reader.new_page()
    with tab.expect_request("**/v1/*") as sent:
        tab.goto(f"{STAGING}/staged")
    assert sent.value.all_headers()["authorization"].startswith("Basic ")
    publisher.counts({"/2026/11/staged": (1,), "pictured": (1,)}, site="staging")
    reader.close()


@pytest.mark.parametrize("path", ["v1/events", "v1/items", "v1/events/", "/v1/items"])
def test_event_reaches_the_collector_through_a_path_prefix(staging: int, path: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{staging}/collect/{path}", encode(view("prefixed"))
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["accepted"] == 1
