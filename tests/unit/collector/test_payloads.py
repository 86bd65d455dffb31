"""Articles and placements as requests carry them."""

import json

import pytest

from mostread.collector.api.payloads import (
    MAX_ARTICLES,
    ArticlePayload,
    Ids,
    decode_article,
    decode_articles,
    decode_placement,
)
from mostread.errors import InvalidArticle, InvalidPlacement, NoValidArticle, TooManyArticles
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.schemas import DIRECTORY

CMS = Token("our-cms", Role.CMS, hash_token("x"))


def article(**fields: object) -> bytes:
    return json.dumps({"title": "A", **fields}).encode()


def value(body: bytes, ids: Ids) -> dict[str, object]:
    decoded: dict[str, object] = json.loads(decode_article(body, ids).value)
    return decoded


@pytest.mark.parametrize(
    ("fields", "ids", "article_id", "site"),
    [
        ({}, Ids("/a"), "/a", "default"),
        ({}, Ids("/a", "news"), "/a", "news"),
        ({"site": "news"}, Ids("/a"), "/a", "news"),
        ({"article_id": "/a"}, Ids(), "/a", "default"),
        ({"article_id": "/a"}, Ids(site="news"), "/a", "news"),
        ({"article_id": "/a", "site": "news"}, Ids("/a", "news"), "/a", "news"),
    ],
)
def test_ids_are_taken_from_address_or_body(
    fields: dict[str, str], ids: Ids, article_id: str, site: str
) -> None:
    decoded = decode_article(article(**fields), ids)
    assert (decoded.article_id, decoded.site) == (article_id, site)
    assert json.loads(decoded.value) == {"title": "A", "article_id": article_id, "site": site}


def test_id_is_cleaned_in_address_and_body() -> None:
    for decoded in (
        decode_article(article(), Ids(" e\u0301 ")),
        decode_article(article(article_id=" e\u0301 "), Ids()),
    ):
        assert decoded.article_id == "\xe9"
        assert json.loads(decoded.value)["article_id"] == "\xe9"


@pytest.mark.parametrize(("in_address", "in_body"), [("a ", "a"), ("\xe9", "e\u0301")])
def test_ids_that_are_equal_once_cleaned_match(in_address: str, in_body: str) -> None:
    for given, sent in ((in_address, in_body), (in_body, in_address)):
        assert decode_article(article(article_id=sent), Ids(given)).article_id in ("a", "\xe9")
        placed = decode_placement(json.dumps({"article_id": sent}).encode(), Ids(given), "by")
        assert placed.article_id in ("a", "\xe9")


def test_null_in_an_optional_field_is_absence() -> None:
    optional = [name for name in ArticlePayload.__struct_fields__ if name != "title"]
    assert value(article(**dict.fromkeys(optional)), Ids("a")) == value(article(), Ids("a"))
    with pytest.raises(InvalidArticle, match="title"):
        decode_article(article(title=None), Ids("a"))


@pytest.mark.parametrize(
    "text", ["a\0", "a\u202eb", "a\x85", "\u202a", "\u200b", "\ufeff \u2060", "\n", "\u2800", ""]
)
@pytest.mark.parametrize("name", ["title", "section", "authors", "tags"])
def test_text_that_misleads_or_is_invisible_is_rejected(name: str, text: str) -> None:
    field = [text] if name in ("authors", "tags") else text
    with pytest.raises(InvalidArticle, match=name):
        decode_article(article(**{name: field}), Ids("a"))


@pytest.mark.parametrize(
    "text", ["\u200fشمس\u200e", "می\u200cروم", "👩\u200d🚀", "a\nb", "\u2068a\u2069"]
)
def test_texts_of_all_scripts_are_accepted(text: str) -> None:
    fields = {"title": text, "section": text, "authors": [text], "tags": [text]}
    assert value(article(**fields), Ids("a")).items() >= fields.items()


def test_ids_of_articles_follow_the_table_of_all_implementations() -> None:
    cases = json.loads((DIRECTORY / "examples/article_ids.json").read_text())
    cases = [case for case in cases if isinstance(case.get("given"), str)]
    assert len(cases) > 20
    for case in cases:
        if case["id"] is None:
            with pytest.raises(InvalidArticle):
                decode_article(article(), Ids(case["given"]))
        else:
            assert decode_article(article(), Ids(case["given"])).article_id == case["id"]


@pytest.mark.parametrize(
    ("fields", "ids", "reason", "message"),
    [
        ({}, Ids(), "schema", "send it in the body, or as `id` in the query"),
        ({"article_id": "b"}, Ids("a"), "mismatch", "article_id is 'b' in the body and 'a' in"),
        ({"site": "b"}, Ids("a", "c"), "mismatch", "site is 'b' in the body and 'c' in"),
        ({"site": "a b"}, Ids("a"), "schema", "site needs"),
        ({"article_id": "a\u202eb"}, Ids(), "schema", "contains U\\+202E"),
        ({}, Ids("a\udcff"), "schema", "contains U\\+DCFF"),
        ({"article_id": "  "}, Ids(), "schema", "is blank"),
    ],
)
def test_ids_that_are_missing_or_differ_are_explained(
    fields: dict[str, str], ids: Ids, reason: str, message: str
) -> None:
    with pytest.raises(InvalidArticle, match=message) as raised:
        decode_article(article(**fields), ids)
    assert raised.value.reason == reason
    with pytest.raises(InvalidPlacement, match=message):
        decode_placement(json.dumps(fields).encode(), ids, "by")


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        (1_795_461_787_364, 1_795_461_787_364),
        (1_795_461_787_364.0, 1_795_461_787_364),
        (100_000_000_000, 100_000_000_000),
        ("2026-11-23T09:30:00Z", 1_795_426_200_000),
        ("2026-11-23T09:30:00.250+05:00", 1_795_408_200_250),
        ("2026-11-23 09:30+0500", 1_795_408_200_000),
        ("20261123T093000Z", 1_795_426_200_000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_publication_time_is_written_in_milliseconds(time: object, milliseconds: int) -> None:
    assert value(article(published_at=time), Ids("a"))["published_at"] == milliseconds


@pytest.mark.parametrize(
    "time",
    [
        1_795_461_787,
        99_999_999_999,
        4_102_444_800_000,
        -1,
        1_795_461_787_364.5,
        "2026-11-23",
        "2026-11-23T09:30:00",
        "23 Nov 2026 09:30 GMT",
        "1795461787364",
        "1955-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "",
    ],
)
def test_publication_time_in_another_form_is_rejected_with_the_fix(time: object) -> None:
    with pytest.raises(InvalidArticle, match="milliseconds since 1970") as raised:
        decode_article(article(published_at=time), Ids("a"))
    assert raised.value.reason == "schema"
    assert "ISO 8601" in str(raised.value)


@pytest.mark.parametrize("time", [True, 1.5, [], {}])
def test_publication_time_of_another_type_is_rejected(time: object) -> None:
    with pytest.raises(InvalidArticle, match="published_at"):
        decode_article(article(published_at=time), Ids("a"))


@pytest.mark.parametrize("name", ["title", "article_id", "section"])
def test_half_a_surrogate_pair_is_rejected(name: str) -> None:
    body = '{"article_id":"a","title":"b","NAME":"\\ud83d"}'.replace("NAME", name).encode()
    with pytest.raises(InvalidArticle):
        decode_article(body, Ids())


def test_invalid_article_of_many_costs_only_itself() -> None:
    bodies = [
        article(article_id="a", published_at="2026-11-23T09:30:00Z"),
        article(),
        b'{"article_id":',
        article(article_id="b", site="other"),
        article(article_id="c"),
        b"3",
    ]
    articles, rejected = decode_articles(b"\n\n".join(bodies), "news", CMS.require_site)
    assert [each.article_id for each in articles] == ["a", "c"]
    assert {each.site for each in articles} == {"news"}
    assert [(each.index, each.reason) for each in rejected] == [
        (1, "schema"),
        (2, "syntax"),
        (3, "mismatch"),
        (5, "schema"),
    ]


def test_article_of_a_site_that_the_token_is_not_for_costs_only_itself() -> None:
    token = Token("sport-cms", Role.CMS, hash_token("x"), frozenset({"sport"}))
    bodies = [article(article_id="a", site="sport"), article(article_id="b", site="news")]
    articles, (rejected,) = decode_articles(b"\n\n".join(bodies), None, token.require_site)
    assert [each.site for each in articles] == ["sport"]
    assert (rejected.index, rejected.reason) == (1, "forbidden")
    assert rejected.detail == "The token 'sport-cms' is not for the site 'news'; it is for sport."


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b"", []),
        (b"[]", []),
        (b"[{]", ["syntax"]),
        (b'[{"title":"A"}, null]', ["schema", "schema"]),
        (b"\xff", ["syntax"]),
    ],
)
def test_request_without_valid_article_is_an_error(body: bytes, reasons: list[str]) -> None:
    with pytest.raises(NoValidArticle) as raised:
        decode_articles(body, None, CMS.require_site)
    rejected = raised.value.members["rejected"]
    assert isinstance(rejected, list)
    assert [each["reason"] for each in rejected] == reasons


def test_articles_of_a_request_are_limited() -> None:
    bodies = [article(article_id=f"{number}") for number in range(MAX_ARTICLES + 1)]
    assert len(decode_articles(b"\n".join(bodies[1:]), None, CMS.require_site)[0]) == MAX_ARTICLES
    with pytest.raises(TooManyArticles):
        decode_articles(b"\n".join(bodies), None, CMS.require_site)
