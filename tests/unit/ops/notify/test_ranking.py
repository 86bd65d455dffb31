"""Responses of the ranking service, as its OpenAPI document has them."""

from typing import Any

import msgspec
import pytest

from mostread.infra.schemas import openapi
from mostread.ops.notify.ranking import ArticleDocument, ListDocument, SeriesDocument


def example(path: str) -> Any:
    """Return the example of a response."""
    answer = openapi("ranking")["paths"][path]["get"]["responses"]["200"]
    return answer["content"]["application/json"]["example"]


def test_documented_list_and_series_can_be_read() -> None:
    listed = msgspec.convert(example("/v1/most-read"), ListDocument)
    assert listed.items[0].window.views
    series = msgspec.convert(example("/v1/series"), SeriesDocument)
    assert series.steps[0].views


@pytest.mark.parametrize(
    ("changes", "listed"),
    [
        ({}, True),
        ({"withheld": None}, True),
        ({"withheld": "hidden"}, False),
        ({"integrity": None}, True),
    ],
    ids=["public", "editor", "hidden", "no-visitors"],
)
def test_article_is_listed_unless_it_is_withheld(changes: dict[str, Any], listed: bool) -> None:
    document = example("/v1/articles/{article_id}") | changes
    assert msgspec.convert(document, ArticleDocument).listed is listed
