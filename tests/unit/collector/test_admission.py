"""admission.py and steps.py: what is dropped, for which reason, and whom a step spares."""

from typing import Any

import pytest
from msgspec import UNSET
from multidict import CIMultiDict, CIMultiDictProxy

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import Sender
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.filters import Admission, DropReason
from mostread.core.bots import is_bot
from mostread.core.events import CANARY_SITE
from mostread.infra.auth.tokens import Role

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def sender(
    headers: dict[str, str] | None = None, address: str = "198.51.100.1", role: Role | None = None
) -> Sender:
    said = CIMultiDict({"User-Agent": FIREFOX, **(headers or {})})
    return Sender(address, CIMultiDictProxy(said), role)


def view(site: str | None = None, **fields: Any) -> SentEvent:
    return SentEvent("view", "a", site=UNSET if site is None else site, **fields)


def admission(**settings: Any) -> Admission:
    return Admission(CollectorSettings(**{f"collector_{k}": v for k, v in settings.items()}))


def dropped(found: Admission, sent_by: Sender, *events: SentEvent) -> dict[DropReason, int]:
    return found.admit(list(events) or [view()], sent_by)[1]


def test_a_reader_is_counted_as_the_settings_are_by_default() -> None:
    events = [view(), SentEvent("like", "a"), SentEvent("comment", "a", site="any")]
    assert admission().admit(events, sender()) == (events, {})


@pytest.mark.parametrize("sites", ["news, default", '{"news": {}, "default": {"origins": []}}'])
def test_only_the_sites_named_are_counted(sites: str) -> None:
    events = [view("news"), view("other"), view()]
    kept, reasons = admission(sites=sites).admit(events, sender())
    assert kept == [events[0], events[2]]
    assert reasons == {DropReason.UNKNOWN_SITE: 1}


def test_where_sites_are_named_the_canarys_is_for_servers_alone() -> None:
    found = admission(sites="news")
    assert dropped(found, sender(), view(CANARY_SITE)) == {DropReason.UNKNOWN_SITE: 1}
    assert dropped(found, sender(role=Role.EMIT), view(CANARY_SITE)) == {}


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
def test_only_pages_of_allowed_origins_are_counted(origin: str, counted: bool) -> None:
    found = admission(origins="https://news.example,https://*.news.example")
    expected = {} if counted else {DropReason.ORIGIN: 1}
    assert dropped(found, sender({"Origin": origin})) == expected
    assert dropped(found, sender({"Referer": f"{origin}/a/page?x=/"})) == expected


def test_what_is_not_sent_by_a_page_has_no_origin() -> None:
    assert dropped(admission(origins="https://news.example"), sender()) == {}


def test_sites_may_differ() -> None:
    found = admission(
        sites='{"news": {"origins": ["https://news.example"]}, "sport": {"public_types": ["view"],'
        ' "excluded_networks": ["203.0.113.0/24"]}}',
        origins="https://any.example",
        excluded_networks="198.51.100.0/24",
    )
    at_news = sender({"Origin": "https://news.example"}, address="192.0.2.1")
    assert dropped(found, at_news, view("news"), view("sport")) == {DropReason.ORIGIN: 1}
    like = SentEvent("like", "a", site="sport")
    at_any = sender({"Origin": "https://any.example"}, address="192.0.2.1")
    assert dropped(found, at_any, view("sport"), like) == {DropReason.TYPE_NOT_PUBLIC: 1}
    for address, site in (("203.0.113.7", "sport"), ("198.51.100.7", "news")):
        inside = sender(address=address)
        assert dropped(found, inside, view("sport"), view("news")) == {
            DropReason.EXCLUDED_NETWORK: 1
        }
        assert found.admit([view(site)], inside)[0] == []


@pytest.mark.parametrize(
    "user_agent",
    [GOOGLEBOT, "HeadlessChrome/140", "UptimeRobot/2.0", "facebookexternalhit/1.1", "GPTBot/1.1"],
)
def test_a_bot_is_not_counted(user_agent: str) -> None:
    assert dropped(admission(), sender({"User-Agent": user_agent})) == {DropReason.BOT: 1}


@pytest.mark.parametrize(
    "user_agent",
    [
        FIREFOX,
        "curl/8.14.1",
        "okhttp/4.12.0",
        "Python/3.11 aiohttp/3.13.2",
        "News/7 CFNetwork/1410 Darwin/22",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "",
    ],
)
def test_an_app_a_developer_and_a_mail_proxy_are_no_bots(user_agent: str) -> None:
    assert dropped(admission(), sender({"User-Agent": user_agent})) == {}


def test_a_long_user_agent_costs_no_more_than_a_short_one() -> None:
    assert not is_bot(sender({"User-Agent": "x" * 256 + GOOGLEBOT}).user_agent)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ],
)
def test_what_is_fetched_in_advance_is_not_counted(name: str, value: str) -> None:
    assert dropped(admission(), sender({name: value})) == {DropReason.PREFETCH: 1}


def test_who_opts_out_is_not_counted_where_that_is_configured() -> None:
    gpc, dnt = sender({"Sec-GPC": "1"}), sender({"DNT": "1"})
    assert dropped(admission(), gpc) == dropped(admission(), dnt) == {}
    only_gpc = admission(opt_out="gpc")
    assert dropped(only_gpc, gpc) == {DropReason.OPT_OUT: 1}
    assert dropped(only_gpc, dnt) == dropped(only_gpc, sender({"Sec-GPC": "0"})) == {}
    assert dropped(admission(opt_out="GPC, dnt"), dnt) == {DropReason.OPT_OUT: 1}


def test_an_address_may_send_no_more_than_its_rate() -> None:
    found = admission(rate_limit_per_address_hour=60, rate_limit_per_visitor_hour=0)
    events = [view(id=str(n)) for n in range(15)]
    kept, reasons = found.admit(events, sender())
    assert (kept, reasons) == (events[:10], {DropReason.RATE_LIMIT: 5})
    assert dropped(found, sender({"User-Agent": "another"})) == {DropReason.RATE_LIMIT: 1}
    assert dropped(found, sender(address="198.51.100.2")) == {}


def test_a_household_is_one_address() -> None:
    found = admission(rate_limit_per_address_hour=6, rate_limit_per_visitor_hour=0)
    assert dropped(found, sender(address="2001:db8::1")) == {}
    assert dropped(found, sender(address="2001:db8::2")) == {DropReason.RATE_LIMIT: 1}
    assert dropped(found, sender(address="2001:db8:0:1::1")) == {}


def test_a_visitor_may_send_no_more_than_its_rate() -> None:
    found = admission(rate_limit_per_visitor_hour=12)
    assert dropped(found, sender(), *(view() for _ in range(3))) == {DropReason.RATE_LIMIT: 1}
    assert dropped(found, sender({"User-Agent": "another"})) == {}
    events = [view(visitor=name, id=str(n)) for n, name in enumerate("ababab")]
    kept, reasons = found.admit(events, sender())
    assert (kept, reasons) == (events[:4], {DropReason.RATE_LIMIT: 2})


def test_nobody_uses_up_what_a_visitor_elsewhere_may() -> None:
    found = admission(rate_limit_per_visitor_hour=12)
    assert dropped(found, sender(), *(view(visitor="v") for _ in range(9)))
    assert dropped(found, sender(address="198.51.100.2"), view(visitor="v")) == {}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd00::1", ""])
def test_no_limit_is_for_addresses_of_no_reader(address: str) -> None:
    found = admission(rate_limit_per_address_hour=6, rate_limit_per_visitor_hour=6)
    assert dropped(found, sender(address=address), *(view() for _ in range(50))) == {}


def test_no_limit_is_a_choice() -> None:
    found = admission(rate_limit_per_address_hour=0, rate_limit_per_visitor_hour=0)
    assert dropped(found, sender(), *(view() for _ in range(1000))) == {}


def test_a_server_speaks_for_others() -> None:
    everything: dict[str, Any] = {
        "sites": "default",
        "origins": "https://news.example",
        "public_types": "view",
        "excluded_networks": "198.51.100.0/24",
        "opt_out": "gpc",
        "rate_limit_per_address_hour": 6,
    }
    said = {
        "User-Agent": GOOGLEBOT,
        "Origin": "https://other.example",
        "Sec-Purpose": "prefetch",
        "Sec-GPC": "1",
    }
    found = admission(**everything)
    events = [SentEvent("like", "a"), view(), view("elsewhere")]
    assert dropped(found, sender(said, role=Role.EMIT), *events) == {DropReason.UNKNOWN_SITE: 1}
    assert dropped(found, sender(said, role=Role.CMS), *events) == {
        DropReason.UNKNOWN_SITE: 1,
        DropReason.TYPE_NOT_PUBLIC: 1,
        DropReason.ORIGIN: 1,
    }


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("sites", '{"news": {"origin": []}}', r"unknown field `origin`.*write names"),
        ("sites", '{"news"', "write names"),
        ("sites", "news,mostread.canary", "'mostread.canary' is the canary's own site"),
        ("sites", "a b", "'a b' cannot be a site.*write names"),
        ("sites", '{"news": {"origins": ["news.example"]}}', "is no origin; write https"),
        ("sites", '{"news": {"public_types": ["share"]}}', "'share' is no type"),
        ("sites", '{"news": {"excluded_networks": ["1.2.3"]}}', "is no network"),
        ("origins", "https://news.example/", "is no origin; write https"),
        ("public_types", "views", "'views' is no type of event; write some of view"),
        ("excluded_networks", "10.0.0.0/99", "is no network; write"),
        ("trusted_proxies", "proxy", "is no network; write"),
        ("rate_limit_exempt_networks", "*", "is no network; write"),
        ("opt_out", "yes", "'yes' is no sign of a browser; write gpc, dnt or both"),
        ("visitor_secret", "short", "too short"),
    ],
)
def test_a_setting_that_cannot_be_read_says_what_to_write(
    setting: str, value: str, advice: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s){advice}"):
        admission(**{setting: value})
