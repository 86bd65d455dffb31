"""Article ids of the pages in access logs."""

import json
import re

import pytest

from mostread.infra.schemas import DIRECTORY
from mostread.ops.access_logs.article_matcher import article_matcher
from mostread.ops.access_logs.request import split_target

CASES = [
    case
    for case in json.loads((DIRECTORY / "examples" / "article_ids.json").read_text())
    # Browsers request an address without line ends and with slashes for backslashes.
    if not re.search(r"[\s\\]", case.get("url", " "))
]


def test_regex_for_paths_gives_the_ids_of_the_tracker() -> None:
    match = article_matcher(re.compile(r"^(/.*)"))
    assert len(CASES) > 30
    for case in CASES:
        target = split_target(case["url"])[1]
        if case["id"] is None:
            with pytest.raises(ValueError, match="article_id"):
                match(target)
        else:
            assert match(target) == case["id"]


@pytest.mark.parametrize(
    ("target", "article"),
    [
        ("/news/street-lamps?utm_source=x", "street-lamps"),
        ("/news/AC%2FDC%3F", "AC%2FDC%3F"),
        ("/news/%D0%B4%D0%B0", "да"),
        ("/news/%FF", "%FF"),
        ("/news/ " + "x" * 130, "x" * 128),
        ("/news/", None),
        ("/about", None),
    ],
)
def test_regex_for_a_part_of_the_path_gives_its_id(target: str, article: str | None) -> None:
    assert article_matcher(re.compile(r"^/news/([^/?]+)"))(target) == article


@pytest.mark.parametrize("part", ["%0A", "%20", "..", "a%00b", "%E2%80%AE"])
def test_part_that_is_no_article_id_is_an_error(part: str) -> None:
    with pytest.raises(ValueError, match="article_id"):
        article_matcher(re.compile(r"^/news/([^/?]+)"))(f"/news/{part}")
