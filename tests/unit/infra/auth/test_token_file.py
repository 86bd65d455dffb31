"""`mostread token`, the file it writes, and the store that follows the file."""

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from mostread.cli.tokens import token
from mostread.errors import InvalidFile, MostreadError
from mostread.infra.auth import token_file
from mostread.infra.auth.token_metrics import TokenMetrics
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import Role, Token, find_token, hash_token

HASH = hash_token("x")


def run(file: Path, *arguments: str) -> Result:
    environment = {"MOSTREAD_COLLECTOR_TOKENS_FILE": str(file)}
    return CliRunner(env=environment).invoke(token, arguments)


def test_token_add_prints_token_once_and_stores_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tokens"
    shown = run(file, "create", "desk", "--role", "editor").stdout.strip()
    assert len(shown) >= 43
    assert shown not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["tokens"]
    token = find_token(token_file.read(file), shown)
    assert token is not None
    assert (token.name, token.role) == ("desk", Role.EDITOR)
    listed = run(file, "list").stdout
    assert listed == f"desk\teditor\tall sites\tno expiry\t{file}\n"


def test_token_for_sites_is_stored_with_them(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    run(file, "create", "desk", "--role", "editor", "--site", "sport", "--site", "news")
    run(file, "create", "other", "--role", "viewer")
    sited, other = token_file.read(file)
    assert sited.sites == {"news", "sport"}
    assert (sited.covers("news"), sited.covers("chess"), other.covers("chess")) == (
        True,
        False,
        True,
    )
    assert run(file, "list").stdout.startswith(f"desk\teditor\tnews, sport\tno expiry\t{file}\n")
    assert run(file, "create", "third", "--role", "cms", "--site", "a+b").exit_code == 2


def test_token_remove_revokes_token_by_name(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    for name in ("one", "two"):
        assert run(file, "create", name, "--role", "emit").exit_code == 0
    assert run(file, "revoke", "one").exit_code == 0
    assert [each.name for each in token_file.read(file)] == ["two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "desk", "--role", "cms"], "has a token 'desk' already; rotate or revoke it"),
        (["revoke", "dekk"], "has no token 'dekk'; it has desk"),
        (["rotate", "dekk"], "has no token 'dekk'; it has desk"),
    ],
)
def test_token_command_with_wrong_name_leaves_file_unchanged(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    file = tmp_path / "tokens"
    run(file, "create", "desk", "--role", "emit")
    before = file.read_bytes()
    result = run(file, *arguments)
    assert isinstance(result.exception, MostreadError)
    assert message in str(result.exception)
    assert file.read_bytes() == before


def test_token_command_with_invalid_name_or_file_is_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path / "tokens", "create", "a:b", "--role", "emit")
    assert result.exit_code == 2
    assert "is not a name; use 1 to 64 of" in result.stderr
    nowhere = CliRunner(env={"MOSTREAD_COLLECTOR_TOKENS_FILE": ""}).invoke(token, ["list"])
    assert nowhere.exit_code == 2
    assert "no token file; give --file" in nowhere.stderr


def test_token_list_includes_tokens_of_setting(tmp_path: Path) -> None:
    environment = {"MOSTREAD_COLLECTOR_TOKENS": f"app:emit:{HASH}"}
    result = CliRunner(env=environment).invoke(token, ["list", "--file", str(tmp_path / "tokens")])
    assert result.stdout == "app\temit\tall sites\tno expiry\tMOSTREAD_COLLECTOR_TOKENS\n"


@pytest.mark.parametrize(
    ("expires", "seconds"), [("90d", 90 * 86_400), ("24h", 86_400), ("30m", 1800)]
)
def test_token_with_duration_expires_after_it(tmp_path: Path, expires: str, seconds: int) -> None:
    file = tmp_path / "tokens"
    started = int(time.time())
    run(file, "create", "app", "--role", "emit", "--expires", expires)
    ended = int(time.time())
    [app] = token_file.read(file)
    assert app.expires is not None
    assert started + seconds <= app.expires.timestamp() <= ended + seconds


def test_token_with_date_expires_at_its_beginning_and_is_listed_as_expired(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    run(file, "create", "app", "--role", "emit", "--expires", "2999-01-31")
    assert "\texpires 2999-01-31T00:00:00Z\t" in run(file, "list").stdout
    file.write_text(file.read_text().replace("2999", "1999"))
    assert "\texpired 1999-01-31T00:00:00Z\t" in run(file, "list").stdout


@pytest.mark.parametrize("expires", ["1999-01-31", "0d", "soon", "2999-13-01", "90", "1w", ""])
def test_token_with_invalid_or_past_expiry_is_usage_error(tmp_path: Path, expires: str) -> None:
    result = run(tmp_path / "tokens", "create", "app", "--role", "emit", "--expires", expires)
    assert result.exit_code == 2
    assert "--expires" in result.stderr
    assert not (tmp_path / "tokens").exists()


def test_rotated_token_keeps_role_and_sites_and_the_old_one_until_the_overlap_ends(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tokens"
    first = run(file, "create", "cms", "--role", "cms", "--site", "news").stdout.strip()
    run(file, "create", "other", "--role", "emit")
    second = run(file, "rotate", "cms", "--overlap", "12h").stdout.strip()
    tokens = token_file.read(file)
    old, new = find_token(tokens, first), find_token(tokens, second)
    assert old is not None
    assert new is not None
    assert (new.name, new.role, [*new.sites], new.expires) == ("cms", Role.CMS, ["news"], None)
    assert old.expires is not None
    now = int(time.time() * 1000)
    assert not old.has_expired(now + 11 * 3_600_000)
    assert old.has_expired(now + 12 * 3_600_000)
    assert [each.name for each in tokens] == ["cms", "other", "cms"]
    run(file, "revoke", "cms")
    assert [each.name for each in token_file.read(file)] == ["other"]


def test_rotating_twice_does_not_prolong_the_oldest_token(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    first = run(file, "create", "cms", "--role", "cms").stdout.strip()
    run(file, "rotate", "cms", "--overlap", "1h")
    oldest = find_token(token_file.read(file), first)
    third = run(file, "rotate", "cms", "--overlap", "30d").stdout.strip()
    assert find_token(token_file.read(file), first) == oldest
    run(file, "rotate", "cms", "--overlap", "0h")
    [left] = token_file.read(file)
    assert left != find_token([left], third)


def test_rotating_a_token_that_expires_asks_for_the_next_expiry(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    run(file, "create", "cms", "--role", "cms", "--expires", "30d")
    before = file.read_bytes()
    refused = run(file, "rotate", "cms")
    assert refused.exit_code == 2
    assert "give --expires" in refused.stderr
    assert file.read_bytes() == before
    assert run(file, "rotate", "cms", "--expires", "90d").exit_code == 0
    old, new = token_file.read(file)
    assert old.expires is not None
    assert new.expires is not None
    assert (new.expires - old.expires).days == 89


def test_concurrent_updates_of_file_are_all_applied(tmp_path: Path) -> None:
    file = tmp_path / "tokens"

    def add(number: int) -> None:
        new = Token(f"t{number}", Role.CMS, HASH)
        token_file.update(file, lambda tokens: (*tokens, new))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    assert {each.name for each in token_file.read(file)} == {f"t{n}" for n in range(40)}


def test_file_comments_are_skipped_and_errors_quote_no_hash(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# own\n\ndesk:editor:{HASH}\n")
    assert [each.name for each in token_file.read(file)] == ["desk"]
    file.write_text(f"desk:boss:{HASH}\n")
    with pytest.raises(InvalidFile, match="'desk' needs a role") as raised:
        token_file.read(file)
    assert HASH not in str(raised.value)
    file.write_bytes(b"\xff")
    with pytest.raises(InvalidFile, match="cannot be read"):
        token_file.read(file)


class Following:
    """A token store that polls its file only on request."""

    def __init__(self, file: Path) -> None:
        self.registry = CollectorRegistry()
        metrics = TokenMetrics("test", self.registry)
        self.known = TokenStore(f"fixed:emit:{HASH}", str(file), metrics)

    def names(self) -> list[str]:
        self.known.renew()
        return [each.name for each in self.known.tokens]

    def is_broken(self) -> bool:
        return self.registry.get_sample_value("mostread_test_tokens_file_invalid") == 1


def test_store_follows_file_and_keeps_tokens_while_it_is_invalid(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    following = Following(file)
    assert following.names() == ["fixed"]
    run(file, "create", "desk", "--role", "editor")
    assert following.names() == ["fixed", "desk"]
    for breaking in (lambda: file.write_text("desk"), file.unlink):
        breaking()
        assert following.names() == ["fixed", "desk"]
        assert following.is_broken()
    file.write_text("")
    assert following.names() == ["fixed"]
    assert not following.is_broken()


def test_store_rejects_invalid_file_at_start(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("desk")
    with pytest.raises(InvalidFile, match="'desk' needs a role"):
        Following(file)


def test_store_without_file_has_tokens_of_setting() -> None:
    assert Following(Path(os.devnull)).names() == ["fixed"]
