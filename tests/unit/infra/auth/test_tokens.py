"""Parsing MOSTREAD_COLLECTOR_TOKENS and finding tokens."""

from datetime import UTC, datetime

import pytest

from mostread.infra.auth.tokens import (
    ADMINS,
    DESCRIBERS,
    EDITORS,
    PEOPLE,
    Role,
    current_tokens,
    find_token,
    hash_token,
    parse_tokens,
)


def test_find_token_returns_token_with_secret() -> None:
    setting = f"cms:cms:{hash_token('one')}, desk:editor:{hash_token('two').upper()},"
    tokens = parse_tokens(setting)
    match = find_token(tokens, "two")
    assert match is not None
    assert (match.name, match.role) == ("desk", Role.EDITOR)
    assert find_token(tokens, "three") is None
    assert find_token(tokens, hash_token("two")) is None
    assert find_token((), "two") is None


def test_find_token_compares_all_tokens_whichever_matches() -> None:
    tokens = parse_tokens(",".join(f"{name}:emit:{hash_token(name)}" for name in "abc"))
    for match in ("a", "c", "none of them"):
        looked_at = iter(tokens)
        find_token(looked_at, match)
        assert next(looked_at, None) is None


def test_find_token_accepts_any_text() -> None:
    assert find_token(parse_tokens(f"a:emit:{hash_token('one')}"), "\udcff ключ") is None


@pytest.mark.parametrize(
    "entry",
    ["name", "name:cms", "name:boss:" + "0" * 64, "name:cms:secret", "name:cms:" + "g" * 64],
)
def test_parse_tokens_error_names_entry_without_its_hash(entry: str) -> None:
    with pytest.raises(ValueError, match="'name'") as raised:
        parse_tokens(entry)
    assert "secret" not in str(raised.value)


def test_parse_tokens_reads_sites_and_expiries_and_writes_them() -> None:
    one = hash_token("one")
    setting = (
        f"a:emit:{one}:news+sport,b:cms:{hash_token('two')},c:cms:{one}::2027-01-31T12:30:00Z,"
        f"c:cms:{one}:news:2027-02-01T00:00:00Z"
    )
    tokens = parse_tokens(setting)
    assert [token.sites for token in tokens] == [{"news", "sport"}, set(), set(), {"news"}]
    assert [token.expires for token in tokens] == [
        None,
        None,
        datetime(2027, 1, 31, 12, 30, tzinfo=UTC),
        datetime(2027, 2, 1, tzinfo=UTC),
    ]
    assert ",".join(token.written for token in tokens) == setting


@pytest.mark.parametrize("sites", ["", "+", "news+", "news,+", "a b", "*", "a" * 65])
def test_parse_tokens_rejects_sites_that_no_article_has(sites: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        parse_tokens(f"name:cms:{hash_token('one')}:{sites}")


def test_parse_tokens_takes_a_date_as_the_beginning_of_that_day() -> None:
    [token] = parse_tokens(f"a:emit:{hash_token('one')}::2027-01-31")
    assert token.expires == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "expiry",
    ["", "2027", "2027-02-30", "2027-01-31T12:00:00", "2027-01-31T12:00:00+01:00", "90d", "never"],
)
def test_parse_tokens_rejects_other_expiries(expiry: str) -> None:
    with pytest.raises(ValueError, match="the expiry of the token 'name' is not valid"):
        parse_tokens(f"name:cms:{hash_token('one')}::{expiry}")


def test_current_tokens_are_those_that_last_longest_by_name() -> None:
    one = hash_token("one")
    tokens = parse_tokens(
        f"a:cms:{one}::2027-01-31,a:cms:{one},b:cms:{one}::2027-01-02,b:cms:{one}::2027-01-01"
    )
    assert current_tokens(tokens) == [tokens[1], tokens[2]]


def test_roles_of_editors_and_people_include_admins() -> None:
    assert {Role.ADMIN} == ADMINS
    assert {Role.ADMIN, Role.EDITOR} == EDITORS
    assert {Role.ADMIN, Role.EDITOR, Role.CMS} == DESCRIBERS
    assert {Role.ADMIN, Role.EDITOR, Role.VIEWER} == PEOPLE


@pytest.mark.parametrize("name", ["", "a\nb", "a" * 65])
def test_parse_tokens_rejects_name_unfit_for_audit_log(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters"):
        parse_tokens(f"{name}:editor:{hash_token('one')}")
    assert parse_tokens(f"Анна:editor:{hash_token('one')}")[0].name == "Анна"
