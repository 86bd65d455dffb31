"""The rule for article ids: schemas/examples/article_ids.json, and what the table cannot show."""

import json
import re
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.article_ids import InvalidArticleId, are_clean, clean, of_url
from mostread.infra.schemas import DIRECTORY

CASES = json.loads((DIRECTORY / "examples" / "article_ids.json").read_text())
TEXTS = [case["given"] for case in CASES if "given" in case]


def cleaned(text: str) -> str | None:
    try:
        return clean(text)
    except InvalidArticleId:
        return None


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_article_id_equals_the_example(case: dict[str, str | None]) -> None:
    function, text = (of_url, case["url"]) if "url" in case else (clean, case["given"])
    assert text is not None
    if case["id"] is None:
        with pytest.raises(InvalidArticleId, match=r"^.+; send .+$"):
            function(text)
    else:
        assert function(text) == case["id"]
        assert clean(case["id"]) == case["id"]


@pytest.mark.parametrize(
    ("url", "article_id"),
    [
        ("//news/x", "//news/x"),  # the path of a request line is never a host
        ("news/x", "/news/x"),
        ("", "/"),
        ("/\udce4\udcf6", "/%E4%F6"),  # bytes of a log that is not UTF-8
    ],
)
def test_address_from_its_path_on_is_no_host(url: str, article_id: str) -> None:
    assert of_url(url) == article_id


def test_address_with_half_a_surrogate_pair_is_invalid() -> None:
    with pytest.raises(InvalidArticleId, match="surrogate"):
        of_url("https://news.example/\ud800")


@given(
    st.lists(
        st.one_of(
            st.text(min_size=1, max_size=4),
            st.sampled_from([text for text in TEXTS if 1 <= len(text) <= 128]),
        ),
        max_size=4,
    )
)
def test_ids_are_clean_if_cleaning_changes_none(ids: list[str]) -> None:
    assert are_clean(ids) is all(cleaned(each) == each for each in ids)


@given(st.text())
def test_cleaning_is_idempotent_and_names_the_problem(text: str) -> None:
    try:
        article_id = clean(text)
    except InvalidArticleId as error:
        assert re.fullmatch(r"`article_id` .+; send .+", str(error))  # noqa: PT017
    else:
        assert clean(article_id) == article_id
        assert unicodedata.is_normalized("NFC", article_id)
        assert 1 <= len(article_id) <= 128


@given(st.text(st.sampled_from("/?&=%.#aé2eEfF0 \n\\\ud800\u200b"), max_size=20))
def test_id_of_any_address_is_clean(url: str) -> None:
    with suppress(InvalidArticleId):
        assert clean(of_url(url)) == of_url(url)
