"""Parsing MOSTREAD_COLLECTOR_TOKENS and finding tokens."""

import pytest

from mostread.infra.auth.tokens import Role, find_token, hash_token, parse_tokens


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


def test_parse_tokens_reads_sites_and_writes_them() -> None:
    setting = f"a:emit:{hash_token('one')}:news+sport,b:cms:{hash_token('two')}"
    tokens = parse_tokens(setting)
    assert [token.sites for token in tokens] == [{"news", "sport"}, frozenset()]
    assert ",".join(token.written for token in tokens) == setting


@pytest.mark.parametrize("sites", ["", "+", "news+", "news,+", "a b", "*", "a:b", "a" * 65])
def test_parse_tokens_rejects_sites_that_no_article_has(sites: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        parse_tokens(f"name:cms:{hash_token('one')}:{sites}")


@pytest.mark.parametrize("name", ["", "a\nb", "a" * 65])
def test_parse_tokens_rejects_name_unfit_for_audit_log(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters"):
        parse_tokens(f"{name}:editor:{hash_token('one')}")
    assert parse_tokens(f"Анна:editor:{hash_token('one')}")[0].name == "Анна"
