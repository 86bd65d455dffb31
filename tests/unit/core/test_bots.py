"""The bot rule, measured on real user agents.

`user_agents/` contains a selection from the tests of Matomo's device-detector and of CrawlerDetect
(MIT), with user agents of HTTP libraries. The package of the list brings all of the former.
"""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from mostread.core.bots import ADDED, NO_USER_AGENT, BotRule, parse_patterns

USER_AGENTS = Path(__file__).with_name("user_agents")
READERS = (USER_AGENTS / "readers.txt").read_text().splitlines()
BOTS = (USER_AGENTS / "bots.txt").read_text().splitlines()
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
RULE = BotRule()


def is_bot(user_agent: str) -> bool:
    return RULE.bot_pattern(user_agent) is not None


def matomo_user_agents() -> tuple[list[str], list[str]]:
    """Return the user agents of readers and of bots in the tests of device-detector."""
    folder = Path(str(distribution("device-detector").locate_file("device_detector/tests")))
    readers: list[str] = []
    bots: list[str] = []
    for path in sorted(folder.glob("fixtures/upstream/*.yml")):
        user_agents = re.findall(r"^[ -]*user_agent: *(.+)$", path.read_text(), re.MULTILINE)
        (bots if path.stem == "bots" else readers).extend(each.strip("'\"") for each in user_agents)
    return readers, bots


def test_no_reader_of_the_selection_is_a_bot() -> None:
    rule = BotRule()
    assert {each: rule.bot_pattern(each) for each in READERS if rule.bot_pattern(each)} == {}


def test_every_bot_of_the_selection_is_one() -> None:
    assert [each for each in BOTS if not is_bot(each)] == []


def test_matomos_readers_are_no_bots() -> None:
    readers, _ = matomo_user_agents()
    assert len(readers) > 30_000
    rule = BotRule()
    # Some of them, to save time: most differ in their device only.
    taken = [each for each in readers[::16] if rule.bot_pattern(each)]
    # Nobody reads with WebPageTest.
    assert [each for each in taken if each and "PTST" not in each] == []


def test_matomos_bots_are_bots_except_mail_proxies_and_libraries() -> None:
    _, bots = matomo_user_agents()
    assert len(bots) > 1300
    missed = [each for each in bots if not is_bot(each)]
    kept = re.compile("GoogleImageProxy|YahooMail|SeznamEmail|RamblerMail|mail.ukr.net|^node$")
    assert [each for each in missed if not kept.search(each)] == []


@pytest.mark.parametrize("user_agent", ["", "-", "  ", "--"])
def test_missing_user_agent_is_a_bot(user_agent: str) -> None:
    assert BotRule().bot_pattern(user_agent) == NO_USER_AGENT


@pytest.mark.parametrize(
    ("user_agent", "pattern"),
    [
        (GOOGLEBOT, "Googlebot"),
        ("coccoc.com/1.0", "Coc Coc Bot"),
        ("360Spider", "Generic Bot"),
        ("Example/1.0 (+https://example.com)", "contact address"),
        ("Crawlera/1.10", "self-declared bot"),
        ("HeadlessChrome/140", "automated browser"),
        ("sqlmap/1.8", "scanner"),
        ("Checkly/1.0 (https://www.checklyhq.com)", "monitor"),
        ("Checkly, https://www.checklyhq.com", "monitor"),
        ("updown.io daemon 2.11", "monitor"),
        ("NewRelicPinger/1.0 (1234567)", "monitor"),
        (f"{FIREFOX} NewRelicSynthetics/1.0", "monitor"),
        ("Elastic-Heartbeat/8.11.0 (linux; amd64)", "monitor"),
        ("synthetic-monitoring-agent/v0.9 (linux amd64)", "monitor"),
        (f"{FIREFOX} CloudWatchSynthetics/arn:aws:synthetics:eu-west-1:1:canary:a", "monitor"),
        ("GoogleHC/1.0", "monitor"),
        ("Mozilla/4.5 (compatible; HTTrack 3.0x; Windows 98)", "copier"),
        ("Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 wkhtmltopdf", "copier"),
        (FIREFOX, None),
    ],
)
def test_pattern_is_named_without_text_of_the_user_agent(
    user_agent: str, pattern: str | None
) -> None:
    assert BotRule().bot_pattern(user_agent) == pattern


@pytest.mark.parametrize("app", ["Feedly/103.0", "Mastodon/2024.1", "Bluesky/1.95"])
@pytest.mark.parametrize(
    "system", ["iPhone; CPU iPhone OS 18_1 like Mac OS X", "Linux; Android 14; Pixel 8; wv"]
)
def test_browser_in_an_app_is_a_reader_and_the_fetcher_of_that_name_a_bot(
    app: str, system: str
) -> None:
    browser = f"Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile {app}"
    assert not is_bot(browser)
    assert is_bot(f"{browser} (+https://app.example)")
    assert is_bot(app)


def test_added_and_removed_patterns_ignore_case_and_win() -> None:
    rule = BotRule(add="acme ?reader/, firefox/3", remove="googlebot,^$")
    assert rule.bot_pattern("ACMEreader/2") == rule.bot_pattern("Firefox/3.6") == ADDED
    assert rule.bot_pattern(GOOGLEBOT) is rule.bot_pattern("") is rule.bot_pattern(FIREFOX) is None
    assert rule.bot_pattern("bingbot/2.0")
    assert BotRule(add="bot", remove="googlebot").bot_pattern(GOOGLEBOT) is None


@pytest.mark.parametrize("pattern", [r"(?i)acmebot", r"(ac)(me)\1", r"acme{2}", r"a\{", r"a\x2cb"])
def test_patterns_mean_the_same_alone_and_among_others(pattern: str) -> None:
    for user_agent in ("AcmeBot", "acmeac", "acmee", "acmeme", "a{", "a,b"):
        matches = re.search(pattern, user_agent, re.IGNORECASE) is not None
        added = BotRule(add=f"(x)y,{pattern}", remove="googlebot")
        assert (added.bot_pattern(user_agent) == ADDED) is matches
        removed = BotRule(add=".*", remove=f"(x)y,{pattern}")
        assert (removed.bot_pattern(user_agent) is None) is matches


@pytest.mark.parametrize("pattern", ["ab{1,3}c", "ab{,3}", "ab{2,}", r"ab{1\x2c3}", r"ab{1\x2C}"])
def test_repetition_with_a_comma_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="commas separate expressions; write"):
        parse_patterns(f"first,{pattern}")


@pytest.mark.parametrize("setting", ["add", "remove"])
def test_invalid_pattern_is_named_in_the_error(setting: str) -> None:
    with pytest.raises(ValueError, match=r"'b\(' is not a regular expression .*; separate"):
        BotRule(**{setting: "a,b("})
