"""tokens.py: what may stand in MOSTREAD_COLLECTOR_TOKENS, and who is found by it."""

import pytest

from mostread.infra.auth.tokens import Role, find_token, hash_token, parse_tokens


def test_a_token_is_found_by_what_its_bearer_shows() -> None:
    setting = f"cms:cms:{hash_token('one')}, desk:editor:{hash_token('two').upper()},"
    tokens = parse_tokens(setting)
    shown = find_token(tokens, "two")
    assert shown is not None
    assert (shown.name, shown.role) == ("desk", Role.EDITOR)
    assert find_token(tokens, "three") is None
    assert find_token(tokens, hash_token("two")) is None
    assert find_token((), "two") is None


def test_who_is_found_does_not_show_in_how_many_are_looked_at() -> None:
    tokens = parse_tokens(",".join(f"{name}:emit:{hash_token(name)}" for name in "abc"))
    for shown in ("a", "c", "none of them"):
        looked_at = iter(tokens)
        find_token(looked_at, shown)
        assert next(looked_at, None) is None


def test_whatever_is_shown_is_compared() -> None:
    assert find_token(parse_tokens(f"a:emit:{hash_token('one')}"), "\udcff ключ") is None


@pytest.mark.parametrize(
    "entry",
    ["name", "name:cms", "name:boss:" + "0" * 64, "name:cms:secret", "name:cms:" + "g" * 64],
)
def test_a_mistake_is_named_and_no_secret_is_quoted(entry: str) -> None:
    with pytest.raises(ValueError, match="'name'") as raised:
        parse_tokens(entry)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a\nb", "a" * 65])
def test_a_name_can_stand_in_the_log_of_decisions(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters"):
        parse_tokens(f"{name}:editor:{hash_token('one')}")
    assert parse_tokens(f"Анна:editor:{hash_token('one')}")[0].name == "Анна"
