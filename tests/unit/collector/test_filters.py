"""The filters of the pipeline: drop reasons, their order, and exempt clients."""

from typing import Any

import pytest
from msgspec import UNSET

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.pipeline import DropReason, Pipeline
from mostread.core.bots import BotRule
from mostread.core.events import CANARY_SITE
from mostread.infra.auth.tokens import Role
from tests.support.http import FakeHeaders

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def client(
    headers: dict[str, str] | None = None, address: str = "198.51.100.1", role: Role | None = None
) -> ClientInfo:
    return ClientInfo(address, FakeHeaders({"User-Agent": FIREFOX, **(headers or {})}), role)


def view(site: str | None = None, **fields: Any) -> SentEvent:
    return SentEvent("view", "a", site=UNSET if site is None else site, **fields)


def pipeline(**settings: Any) -> Pipeline:
    return Pipeline(CollectorSettings(**{f"collector_{k}": v for k, v in settings.items()}))


def dropped(filtering: Pipeline, sent_by: ClientInfo, *events: SentEvent) -> dict[DropReason, int]:
    return filtering.filter(list(events) or [view()], sent_by)[1]


def test_steps_run_in_the_order_of_the_drop_reasons_then_enrichment() -> None:
    every_filter = {
        "origins": "https://news.example",
        "public_types": "view",
        "excluded_networks": "198.51.100.0/24",
        "opt_out": "gpc",
    }
    enrichment = ["timestamp", "visitor_id", "event_id", "public_id"]
    distinct = {DropReason.TOO_MANY_SITES, DropReason.TOO_MANY_ARTICLES}
    first, *named = [step.name for step in pipeline(sites="news", **every_filter).steps]
    assert first is DropReason.UNKNOWN_SITE
    assert named == [reason for reason in DropReason if reason not in distinct] + enrichment
    any_site = [step.name for step in pipeline(**every_filter).steps]
    assert any_site == [*DropReason, *enrichment]


def test_default_settings_keep_a_readers_events() -> None:
    events = [view(), SentEvent("like", "a"), SentEvent("comment", "a", site="any")]
    assert pipeline().filter(events, client()) == (events, {})


@pytest.mark.parametrize("sites", ["news, default", '{"news": {}, "default": {"origins": []}}'])
def test_known_site_drops_unnamed_sites(sites: str) -> None:
    events = [view("news"), view("other"), view()]
    kept, reasons = pipeline(sites=sites).filter(events, client())
    assert kept == [events[0], events[2]]
    assert reasons == {DropReason.UNKNOWN_SITE: 1}


def test_known_site_keeps_the_canary_for_servers_only() -> None:
    filtering = pipeline(sites="news")
    assert dropped(filtering, client(), view(CANARY_SITE)) == {DropReason.UNKNOWN_SITE: 1}
    assert dropped(filtering, client(role=Role.EMIT), view(CANARY_SITE)) == {}


@pytest.mark.parametrize("sites", ["", "news, sport"])
def test_server_counts_only_for_the_sites_of_its_token(sites: str) -> None:
    filtering = pipeline(sites=sites)
    events = [view("news"), view("sport"), view("sport")]
    server = ClientInfo("198.51.100.1", FakeHeaders({}), Role.EMIT, frozenset({"news"}))
    kept, reasons = filtering.filter(events, server)
    assert (kept, reasons) == (events[:1], {DropReason.UNKNOWN_SITE: 2})
    # Readers need no token for this, so a token of another role limits nothing.
    cms = ClientInfo(
        "198.51.100.1", FakeHeaders({"User-Agent": FIREFOX}), Role.CMS, frozenset({"news"})
    )
    assert filtering.filter(events, cms) == (events, {})


@pytest.mark.parametrize(
    ("origin", "counted"),
    [
        ("https://news.example", True),
        ("https://NEWS.example", True),
        ("https://m.kz.news.example", True),
        ("https://evilnews.example", False),
        ("http://news.example", False),
        ("https://news.example:8443", False),
        ("https://news.example.evil.example", False),
        ("null", False),
    ],
)
def test_allowed_origin_compares_origin_and_referer(origin: str, counted: bool) -> None:
    filtering = pipeline(origins="https://news.example,https://*.news.example")
    expected = {} if counted else {DropReason.ORIGIN: 1}
    assert dropped(filtering, client({"Origin": origin})) == expected
    assert dropped(filtering, client({"Referer": f"{origin}/a/page?x=/"})) == expected


@pytest.mark.parametrize(
    ("origin", "counted"),
    [
        ("https://news-example.cdn.ampproject.org", True),
        ("https://news-example.bing-amp.com", True),
        ("https://news-example.translate.goog", True),
        ("https://m-kz-news-example.translate.goog", True),
        ("https://my--paper-example.cdn.ampproject.org", True),
        ("https://my--paper-example.translate.goog", True),
        ("https://0-en--us-example-0.cdn.ampproject.org", True),
        ("https://1-en--us-example.translate.goog", True),
        ("https://xn--bcher-example-wob.cdn.ampproject.org", True),
        ("https://0-bcher--kva-example.translate.goog", True),
        ("https://old-example.translate.goog", True),
        ("https://evil-example.cdn.ampproject.org", False),
        ("https://news--example.cdn.ampproject.org", False),
        ("https://evilnews-example.translate.goog", False),
        ("https://news-example-evil-example.translate.goog", False),
        ("https://news-example.translate.goog.evil.example", False),
        ("https://news-example.evil.example", False),
        ("http://news-example.translate.goog", False),
        ("https://cdn.ampproject.org", False),
        ("https://xn--0.cdn.ampproject.org", False),
    ],
)
def test_pages_of_an_allowed_origin_count_in_amp_caches_and_translations(
    origin: str, counted: bool
) -> None:
    filtering = pipeline(
        sites='{"default": {}, "evil": {"origins": ["https://evil.example"]}}',
        origins="https://news.example,https://*.news.example,https://my-paper.example,"
        "https://en-us.example,https://xn--bcher-kva.example,http://old.example",
    )
    expected = {} if counted else {DropReason.ORIGIN: 1}
    assert dropped(filtering, client({"Origin": origin})) == expected
    of_evil = {} if origin == "https://evil-example.cdn.ampproject.org" else {DropReason.ORIGIN: 1}
    assert dropped(filtering, client({"Origin": origin}), view("evil")) == of_evil


def test_allowed_origin_keeps_events_without_a_page() -> None:
    assert dropped(pipeline(origins="https://news.example"), client()) == {}


def test_filters_apply_the_rules_of_each_site() -> None:
    filtering = pipeline(
        sites='{"news": {"origins": ["https://news.example"]}, "sport": {"public_types": ["view"],'
        ' "excluded_networks": ["203.0.113.0/24"]}}',
        origins="https://any.example",
        excluded_networks="198.51.100.0/24",
    )
    at_news = client({"Origin": "https://news.example"}, address="192.0.2.1")
    assert dropped(filtering, at_news, view("news"), view("sport")) == {DropReason.ORIGIN: 1}
    like = SentEvent("like", "a", site="sport")
    at_any = client({"Origin": "https://any.example"}, address="192.0.2.1")
    assert dropped(filtering, at_any, view("sport"), like) == {DropReason.TYPE_NOT_PUBLIC: 1}
    for address, site in (("203.0.113.7", "sport"), ("198.51.100.7", "news")):
        inside = client(address=address)
        assert dropped(filtering, inside, view("sport"), view("news")) == {
            DropReason.EXCLUDED_NETWORK: 1
        }
        assert filtering.filter([view(site)], inside)[0] == []


def test_bot_filter_drops_bots_and_names_their_pattern() -> None:
    body = b'[{"type":"view","article_id":"a"},{"type":"like","article_id":"a"}]'
    result = pipeline().process(body, client({"User-Agent": GOOGLEBOT}), 0)
    assert (result.dropped, result.bot_pattern) == ({DropReason.BOT: 2}, "Googlebot")
    result = pipeline().process(body, client({"User-Agent": ""}), 0)
    assert (result.dropped, result.bot_pattern) == ({DropReason.BOT: 2}, "no user agent")
    result = pipeline().process(body, client(), 0)
    assert (result.dropped, result.bot_pattern) == ({}, None)


def test_bot_filter_follows_the_settings() -> None:
    filtering = pipeline(bots_add="firefox/140", bots_remove="googlebot")
    assert dropped(filtering, client()) == {DropReason.BOT: 1}
    assert dropped(filtering, client({"User-Agent": GOOGLEBOT})) == {}


def test_user_agent_is_truncated_before_the_bot_rule() -> None:
    assert not BotRule().bot_pattern(client({"User-Agent": "x" * 256 + GOOGLEBOT}).user_agent)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
        ("Sec-Purpose", "Prefetch;Prerender"),
        ("Sec-Purpose", "prerender"),
        ("X-Moz", "PREFETCH"),
        ("Purpose", "preview"),
        ("X-Purpose", "Preview"),
    ],
)
def test_prefetch_filter_drops_speculative_requests(name: str, value: str) -> None:
    assert dropped(pipeline(), client({name: value})) == {DropReason.PREFETCH: 1}


def test_opt_out_filter_honours_the_configured_headers_only() -> None:
    gpc, dnt = client({"Sec-GPC": "1"}), client({"DNT": "1"})
    assert dropped(pipeline(), gpc) == dropped(pipeline(), dnt) == {}
    only_gpc = pipeline(opt_out="gpc")
    assert dropped(only_gpc, gpc) == {DropReason.OPT_OUT: 1}
    assert dropped(only_gpc, dnt) == dropped(only_gpc, client({"Sec-GPC": "0"})) == {}
    assert dropped(pipeline(opt_out="GPC, dnt"), dnt) == {DropReason.OPT_OUT: 1}


def test_rate_limit_drops_events_beyond_the_address_limit() -> None:
    filtering = pipeline(rate_limit_per_address_hour=60, rate_limit_per_visitor_hour=0)
    events = [view(id=str(n)) for n in range(15)]
    kept, reasons = filtering.filter(events, client())
    assert (kept, reasons) == (events[:10], {DropReason.RATE_LIMIT: 5})
    assert dropped(filtering, client({"User-Agent": "another"})) == {DropReason.RATE_LIMIT: 1}
    assert dropped(filtering, client(address="198.51.100.2")) == {}


def test_rate_limit_shares_one_limit_per_ipv6_64() -> None:
    filtering = pipeline(rate_limit_per_address_hour=6, rate_limit_per_visitor_hour=0)
    assert dropped(filtering, client(address="2001:db8::1")) == {}
    assert dropped(filtering, client(address="2001:db8::2")) == {DropReason.RATE_LIMIT: 1}
    assert dropped(filtering, client(address="2001:db8:0:1::1")) == {}


def test_rate_limit_drops_events_beyond_the_visitor_limit() -> None:
    filtering = pipeline(rate_limit_per_visitor_hour=12)
    assert dropped(filtering, client(), *(view() for _ in range(3))) == {DropReason.RATE_LIMIT: 1}
    assert dropped(filtering, client({"User-Agent": "another"})) == {}
    events = [view(visitor=name, id=str(n)) for n, name in enumerate("ababab")]
    kept, reasons = filtering.filter(events, client())
    assert (kept, reasons) == (events[:4], {DropReason.RATE_LIMIT: 2})


def test_rate_limit_keeps_visitors_of_other_networks_apart() -> None:
    filtering = pipeline(rate_limit_per_visitor_hour=12)
    assert dropped(filtering, client(), *(view(visitor="v") for _ in range(9)))
    assert dropped(filtering, client(address="198.51.100.2"), view(visitor="v")) == {}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd00::1", ""])
def test_rate_limit_exempts_private_and_unknown_addresses(address: str) -> None:
    filtering = pipeline(rate_limit_per_address_hour=6, rate_limit_per_visitor_hour=6)
    assert dropped(filtering, client(address=address), *(view() for _ in range(50))) == {}


def test_rate_limit_of_zero_is_unlimited() -> None:
    filtering = pipeline(rate_limit_per_address_hour=0, rate_limit_per_visitor_hour=0)
    assert dropped(filtering, client(), *(view() for _ in range(1000))) == {}


def test_distinct_sites_beyond_the_limit_of_an_address_are_dropped() -> None:
    filtering = pipeline(rate_limit_sites_per_address_minute=3)
    events = [view(site, id=str(n)) for n, site in enumerate(["a", "b", "a", "c", "d", "b", "e"])]
    kept, reasons = filtering.filter(events, client())
    assert kept == [event for event in events if event.site in {"a", "b", "c"}]
    assert reasons == {DropReason.TOO_MANY_SITES: 2}
    assert dropped(filtering, client({"User-Agent": "another"}), view()) == {
        DropReason.TOO_MANY_SITES: 1
    }
    assert dropped(filtering, client(), view("c")) == {}
    assert dropped(filtering, client(address="198.51.100.2"), view("d")) == {}


def test_distinct_articles_beyond_the_limit_of_an_address_are_dropped() -> None:
    filtering = pipeline(rate_limit_articles_per_address_minute=2)
    events = [SentEvent("view", name, site=site) for site in "st" for name in "aa"]
    assert dropped(filtering, client(), *events) == {}
    assert dropped(filtering, client(), SentEvent("like", "b", site="s")) == {
        DropReason.TOO_MANY_ARTICLES: 1
    }


@pytest.mark.parametrize(
    ("settings", "sent_by"),
    [
        ({"sites": ",".join(f"s{n}" for n in range(1000))}, client()),
        (
            {
                "rate_limit_sites_per_address_minute": 0,
                "rate_limit_articles_per_address_minute": 0,
            },
            client(),
        ),
        ({}, client(address="10.1.2.3")),
        ({}, client(address="")),
        ({}, client(role=Role.EMIT)),
    ],
)
def test_distinct_sites_of_exempt_clients_and_named_sites_are_unlimited(
    settings: dict[str, Any], sent_by: ClientInfo
) -> None:
    events = [view(f"s{n}", visitor=str(n)) for n in range(1000)]
    assert dropped(pipeline(**settings), sent_by, *events) == {}


def test_default_limits_keep_what_an_address_may_send_in_a_minute() -> None:
    """The limit of 6,000 events per hour is 100 per minute; these are five times as many."""
    filtering = pipeline()
    events = [SentEvent("view", f"a{n}", site=f"s{n % 100}", visitor=f"v{n}") for n in range(500)]
    assert dropped(filtering, client(), *events) == {}


def test_server_events_pass_all_filters_but_known_site() -> None:
    everything: dict[str, Any] = {
        "sites": "default",
        "origins": "https://news.example",
        "public_types": "view",
        "excluded_networks": "198.51.100.0/24",
        "opt_out": "gpc",
        "rate_limit_per_address_hour": 6,
    }
    headers = {
        "User-Agent": GOOGLEBOT,
        "Origin": "https://other.example",
        "Sec-Purpose": "prefetch",
        "Sec-GPC": "1",
    }
    filtering = pipeline(**everything)
    events = [SentEvent("like", "a"), view(), view("elsewhere")]
    assert dropped(filtering, client(headers, role=Role.EMIT), *events) == {
        DropReason.UNKNOWN_SITE: 1
    }
    assert dropped(filtering, client(headers, role=Role.CMS), *events) == {
        DropReason.UNKNOWN_SITE: 1,
        DropReason.TYPE_NOT_PUBLIC: 1,
        DropReason.ORIGIN: 1,
    }


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("sites", '{"news": {"origin": []}}', r"unknown field `origin`.*write names"),
        ("sites", '{"news"', "write names"),
        ("sites", "news,mostread.canary", "'mostread.canary' is reserved for the canary"),
        ("sites", "a b", "'a b' is not a site;.*write names"),
        ("sites", '{"news": {"origins": ["news.example"]}}', "is not an origin; write https"),
        ("sites", '{"news": {"public_types": ["share"]}}', "'share' is not an event type"),
        ("sites", '{"news": {"excluded_networks": ["1.2.3"]}}', "is not a network"),
        ("origins", "https://news.example/", "is not an origin; write https"),
        ("public_types", "views", "'views' is not an event type; write some of view"),
        ("excluded_networks", "10.0.0.0/99", "is not a network; write"),
        ("trusted_proxies", "proxy", "is not a network; write"),
        ("rate_limit_exempt_networks", "*", "is not a network; write"),
        ("bots_add", "acme(", "'acme\\(' is not a regular expression"),
        ("bots_remove", "[", "is not a regular expression"),
        ("opt_out", "yes", "'yes' is not an opt-out signal; write gpc, dnt or both"),
        ("visitor_secret", "short", "too short"),
    ],
)
def test_invalid_setting_error_names_the_expected_form(
    setting: str, value: str, advice: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s){advice}"):
        pipeline(**{setting: value})
