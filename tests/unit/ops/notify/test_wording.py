"""Messages in words, and in Slack's format."""

import msgspec
import pytest

from mostread.ops.notify.messages import Alert
from mostread.ops.notify.slack import escape, link, slack_document
from mostread.ops.notify.wording import MAX_TITLE, plain, word
from tests.unit.ops.notify.examples import digest, message, story

FALLS = Alert("falls", story("b", "Plov"), 87, "1h", rank=12, previous_rank=7)
GONE = Alert("falls", story("b", "Plov"), 0, "1h", previous_rank=7)
MARKED = Alert("marked", story("c", "Win a phone"), 640, "24h", top_share=0.81)


def facts(alert: Alert, **changes: str) -> list[str]:
    return word(message(alerts=[alert], **changes)).blocks[0].lines[0].facts


def test_rising_article_has_its_rank_and_views_in_the_subscription_s_language() -> None:
    assert word(message()).subject == "[City] Rising: New metro line"
    assert word(message()).blocks[0].lines[0].facts == [
        "now no. 1",
        "was no. 14",
        "4.2 times what is usual",
        "1,204 views in 1 hour",
    ]
    assert word(message(lang="ru")).subject == "[City] Растёт: New metro line"
    assert word(message(lang="kk")).blocks[0].lines[0].facts[2:] == [
        "әдеттегіден 4,2 есе көп",
        "1 сағатта 1\N{NARROW NO-BREAK SPACE}204 қаралым",
    ]


def test_falling_and_marked_articles_say_why() -> None:
    assert facts(FALLS) == ["left the top 10", "was no. 7", "now no. 12", "87 views in 1 hour"]
    assert facts(GONE) == ["left the top 10", "was no. 7", "0 views in 1 hour"]
    assert facts(MARKED) == [
        "81 % of the sampled views come from ten visitors",
        "640 views in 24 hours",
    ]


def test_article_that_was_not_listed_is_new() -> None:
    alert = msgspec.structs.replace(message().alerts[0], previous_rank=None, times=None)
    assert facts(alert)[:2] == ["now no. 1", "new"]


def test_article_that_rises_from_nothing_is_new() -> None:
    assert facts(Alert("rises", story("a", "Metro"), 559, "1h")) == ["new", "559 views in 1 hour"]


def test_several_alerts_are_one_message_with_a_heading_per_kind() -> None:
    wording = word(message(alerts=[*message().alerts, FALLS, MARKED]))
    assert wording.subject == "[City] Rising: New metro line (+2)"
    assert [block.heading for block in wording.blocks] == ["Rising", "Falling", "Suspicious"]


@pytest.mark.parametrize(
    ("site", "sections", "subject"),
    [
        ("default", (), "Rising: New metro line"),
        ("sport", (), "[sport] Rising: New metro line"),
        ("sport", ("Hockey", "Judo"), "[sport, Hockey, Judo] Rising: New metro line"),
    ],
    ids=["default", "site", "sections"],
)
def test_subject_names_site_and_sections(
    site: str, sections: tuple[str, ...], subject: str
) -> None:
    assert word(message(site=site, sections=sections)).subject == subject


def test_digest_compares_totals_and_articles_and_leaves_out_what_has_no_base() -> None:
    assert plain(word(digest(sections=()))) == (
        "Most read on 27 November\n\n"
        "128,400 views · +13% on the day before\n\n"
        "341 comments · 1 like\n\n"
        "1. New metro line\n12,043 views · was no. 3 · +34% on the day before\n"
        "https://mostread.example/articles/a?site=default\n\n"
        "2. Plov\n21 views · \N{MINUS SIGN}50% on the day before\n"
        "https://mostread.example/articles/b?site=default\n\n"
        "3. Win a phone\n1 view · new\nhttps://mostread.example/articles/c?site=default\n\n"
        "Open the list: https://mostread.example/?site=default&section=City\n\n"
        "Sent by mostread to the subscription “City desk”.\n"
    )


def test_test_message_says_so() -> None:
    assert word(message(is_test=True)).remarks == [
        "This is a test: the articles and numbers are made up."
    ]


def test_headline_is_one_line_of_limited_length() -> None:
    alert = Alert("rises", story("a", "x\r\nBcc: me@x\u2028" + "y" * 500), 1, "1h", rank=1)
    wording = word(message(alerts=[alert], sections=()))
    assert wording.subject.startswith("Rising: x Bcc: me@x yyy")
    assert len(wording.blocks[0].lines[0].title) == MAX_TITLE


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Profit & <loss>", "Profit &amp; &lt;loss&gt;"),
        (
            "<!channel> <@U1> <https://evil|x>",
            "&lt;!channel&gt; &lt;@U1&gt; &lt;https\u2060://\u2060evil|x&gt;",
        ),
        ("*b* _i_ ~s~ `c`", "⁠*⁠b⁠*⁠ ⁠_⁠i⁠_⁠ ⁠~⁠s⁠~⁠ ⁠`⁠c⁠`⁠"),
    ],
    ids=["entities", "mentions", "formats"],
)
def test_text_for_slack_has_no_mention_link_or_format(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_url_cannot_end_its_link_in_slack() -> None:
    assert link("https://x/?a=1&b=|> <", "t>") == "<https://x/?a=1&amp;b=%7C%3E%20%3C|t&gt;>"


def test_slack_message_has_linked_headlines() -> None:
    assert slack_document(word(digest(sections=("A&B",)))) == {
        "text": (
            "*[A&amp;B] Most read on 27 November*\n"
            "128,400 views · +13% on the day before\n"
            "341 comments · 1 like\n"
            "1. <https://mostread.example/articles/a?site=default|New metro line> "
            "<https://news.example/a|↗> 12,043 views · was no. 3 · +34% on the day before\n"
            "2. <https://mostread.example/articles/b?site=default|Plov> "
            "<https://news.example/b|↗> 21 views · \N{MINUS SIGN}50% on the day before\n"
            "3. <https://mostread.example/articles/c?site=default|Win a phone> "
            "<https://news.example/c|↗> 1 view · new\n"
            "<https://mostread.example/?site=default&amp;section=City|Open the list>"
        ),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_slack_message_is_cut_between_articles() -> None:
    alerts = [Alert("rises", story(f"a{n}", "<" * 150), 1, "1h", rank=n + 1) for n in range(20)]
    text = str(slack_document(word(message(alerts=alerts)))["text"])
    assert 10_000 < len(text) < 13_000
    assert text.splitlines()[-2] == "…"
    assert text.endswith("|Open the list>")
