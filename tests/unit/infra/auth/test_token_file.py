"""`mostread token`, the file it writes, and the store that follows the file."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry, Gauge

from mostread.cli.tokens import token
from mostread.errors import InvalidFile, MostreadError
from mostread.infra.auth import token_file
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
    assert listed == f"desk\teditor\tall sites\t{file}\n"


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
    assert run(file, "list").stdout.startswith(f"desk\teditor\tnews, sport\t{file}\n")
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
        (["create", "desk", "--role", "cms"], "has a token 'desk' already; revoke it first"),
        (["revoke", "dekk"], "has no token 'dekk'; it has desk"),
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
    assert result.stdout == "app\temit\tall sites\tMOSTREAD_COLLECTOR_TOKENS\n"


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
        broken = Gauge("broken", "Whether it is.", registry=self.registry)
        self.known = TokenStore(f"fixed:emit:{HASH}", str(file), broken)

    def names(self) -> list[str]:
        self.known.renew()
        return [each.name for each in self.known.tokens]

    def is_broken(self) -> bool:
        return self.registry.get_sample_value("broken") == 1


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
