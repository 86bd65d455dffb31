"""Aliases as requests carry them."""

import json

import pytest

from mostread.collector.api.aliases import Addressed, decode_aliases
from mostread.core.editorial.aliases import Alias
from mostread.errors import Forbidden, NoValidAlias, TooManyArticles

ANY = Addressed(None, None)


def allow(_: str) -> None: ...


def decoded(
    *elements: object, target: Addressed = ANY
) -> tuple[list[Alias], list[tuple[int, str]]]:
    aliases, rejected = decode_aliases(json.dumps(elements).encode(), target, "cms", allow)
    return list(aliases), [(each.index, each.reason) for each in rejected]


def test_ids_are_cleaned_and_taken_from_address_or_body() -> None:
    expected = [Alias("s", "\xe9", "new", "cms")]
    body = {"article_id": " e\u0301 ", "alias_of": "new "}
    assert decoded({**body, "site": "s"})[0] == expected
    assert decoded(body, target=Addressed(None, "s"))[0] == expected
    assert decoded({"article_id": "\xe9"}, target=Addressed(" new", "s"))[0] == expected


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"article_id": "a"}, "schema"),
        ({"alias_of": "b"}, "schema"),
        ({"article_id": "a", "alias_of": "\u200b"}, "schema"),
        ({"article_id": "a", "alias_of": "x" * 129}, "schema"),
        ({"article_id": "a", "alias_of": "b", "alias": "c"}, "schema"),
        ({"article_id": "a", "alias_of": "b", "site": "s/t"}, "schema"),
        ({"article_id": "a", "alias_of": " a"}, "circle"),
        ({"article_id": "z", "alias_of": "x"}, "circle"),
        ("a", "schema"),
    ],
)
def test_invalid_alias_affects_only_itself(element: object, reason: str) -> None:
    valid = [{"article_id": "x", "alias_of": "y"}, {"article_id": "y", "alias_of": "z"}]
    aliases, rejected = decoded(*valid, element)
    assert len(aliases) == 2
    assert rejected == [(2, reason)]


def test_target_that_differs_from_the_address_is_rejected() -> None:
    with pytest.raises(NoValidAlias) as raised:
        decoded({"article_id": "a", "alias_of": "b"}, target=Addressed("c", None))
    assert "mismatch" in str(raised.value.members)


def test_alias_of_a_foreign_site_is_rejected() -> None:
    def refuse(site: str) -> None:
        if site != "own":
            raise Forbidden("no")

    body = [{"article_id": "a", "alias_of": "b", "site": site} for site in ("own", "other")]
    aliases, rejected = decode_aliases(json.dumps(body).encode(), ANY, "x", refuse)
    assert [alias.site for alias in aliases] == ["own"]
    assert [(each.index, each.reason) for each in rejected] == [(1, "forbidden")]


def test_too_many_aliases_are_refused() -> None:
    with pytest.raises(TooManyArticles):
        decoded(*[{"article_id": str(n), "alias_of": "x"} for n in range(1001)])
