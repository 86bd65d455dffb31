"""`mostread token` and the file it writes, and a service's view of that file."""

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


def test_a_token_is_printed_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tokens"
    shown = run(file, "create", "desk", "--role", "editor").stdout.strip()
    assert len(shown) >= 43
    assert shown not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["tokens"]
    found = find_token(token_file.read(file), shown)
    assert found is not None
    assert (found.name, found.role) == ("desk", Role.EDITOR)
    listed = run(file, "list").stdout
    assert listed == f"desk\teditor\t{file}\n"


def test_a_token_is_revoked_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    for name in ("one", "two"):
        assert run(file, "create", name, "--role", "emit").exit_code == 0
    assert run(file, "revoke", "one").exit_code == 0
    assert [each.name for each in token_file.read(file)] == ["two"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "desk", "--role", "cms"], "has a token 'desk' already; revoke it first"),
        (["revoke", "dekk"], "has no token 'dekk'; it has desk"),
    ],
)
def test_a_name_that_is_wrong_changes_nothing(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    file = tmp_path / "tokens"
    run(file, "create", "desk", "--role", "emit")
    before = file.read_bytes()
    result = run(file, *arguments)
    assert isinstance(result.exception, MostreadError)
    assert said in str(result.exception)
    assert file.read_bytes() == before


def test_a_name_or_file_that_cannot_be_is_a_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path / "tokens", "create", "a:b", "--role", "emit")
    assert result.exit_code == 2
    assert "a name is made of" in result.stderr
    nowhere = CliRunner(env={"MOSTREAD_COLLECTOR_TOKENS_FILE": ""}).invoke(token, ["list"])
    assert nowhere.exit_code == 2
    assert "say which file: --file FILE" in nowhere.stderr


def test_tokens_of_the_setting_are_listed_too(tmp_path: Path) -> None:
    environment = {"MOSTREAD_COLLECTOR_TOKENS": f"app:emit:{HASH}"}
    result = CliRunner(env=environment).invoke(token, ["list", "--file", str(tmp_path / "tokens")])
    assert result.stdout == "app\temit\tMOSTREAD_COLLECTOR_TOKENS\n"


def test_changes_made_at_once_are_all_made(tmp_path: Path) -> None:
    file = tmp_path / "tokens"

    def add(number: int) -> None:
        new = Token(f"t{number}", Role.CMS, HASH)
        token_file.update(file, lambda tokens: (*tokens, new))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    assert {each.name for each in token_file.read(file)} == {f"t{n}" for n in range(40)}


def test_a_comment_is_no_token_and_no_hash_is_quoted(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# ours\n\ndesk:editor:{HASH}\n")
    assert [each.name for each in token_file.read(file)] == ["desk"]
    file.write_text(f"desk:boss:{HASH}\n")
    with pytest.raises(InvalidFile, match="'desk' needs a role") as raised:
        token_file.read(file)
    assert HASH not in str(raised.value)
    file.write_bytes(b"\xff")
    with pytest.raises(InvalidFile, match="cannot be read"):
        token_file.read(file)


class Following:
    """A service's tokens, which look at the file when a test says so."""

    def __init__(self, file: Path) -> None:
        self.registry = CollectorRegistry()
        broken = Gauge("broken", "Whether it is.", registry=self.registry)
        self.known = TokenStore(f"fixed:emit:{HASH}", str(file), broken)

    def names(self) -> list[str]:
        self.known.renew()
        return [each.name for each in self.known.tokens]

    def is_broken(self) -> bool:
        return self.registry.get_sample_value("broken") == 1


def test_a_change_of_the_file_is_seen_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
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


def test_a_broken_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("desk")
    with pytest.raises(InvalidFile, match="'desk' needs a role"):
        Following(file)


def test_without_a_file_there_are_the_tokens_of_the_setting() -> None:
    assert Following(Path(os.devnull)).names() == ["fixed"]
