"""Options that commands share: how they find a running stack."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from mostread.cli.main import mostread
from mostread.cli.params import (
    adopt,
    service_option,
    service_urls,
    stack_dir,
    stack_option,
)
from mostread.devstack.data_dir import DataDir
from mostread.errors import ClickHouseUnavailable, Misconfigured, Unavailable

STACK = {
    "MOSTREAD_KAFKA_BROKERS": "127.0.0.1:1",
    "MOSTREAD_CLICKHOUSE_URL": "http://127.0.0.1:2",
    "MOSTREAD_AGGREGATOR_GROUP": "theirs",
    "MOSTREAD_AGGREGATOR_URL": "http://127.0.0.1:31 http://127.0.0.1:32",
    "MOSTREAD_COLLECTOR_URL": "http://127.0.0.1:9",
}


@pytest.fixture(name="data")
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of a running stack, while the environment is a copy."""
    for name in list(os.environ):
        if name.startswith("MOSTREAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    data = DataDir(tmp_path / "data")
    with data.locked():
        data.write_env(STACK)
        yield data.path


def run(*arguments: str) -> SimpleNamespace:
    """Return the settings that a command with these arguments sees."""
    seen = SimpleNamespace()

    @click.command()
    @stack_option
    @service_option("aggregator")
    @service_option("collector")
    def command(**services: tuple[str, ...]) -> None:
        seen.directory = stack_dir()
        seen.group = os.environ.get("MOSTREAD_AGGREGATOR_GROUP")
        seen.urls = service_urls(services)

    CliRunner().invoke(command, arguments, catch_exceptions=False)
    return seen


def test_command_takes_settings_and_urls_of_the_running_stack(data: Path) -> None:
    seen = run(f"--data={data}")
    assert (seen.directory, seen.group) == (data, "theirs")
    assert seen.urls == {
        "aggregator-1": "http://127.0.0.1:31",
        "aggregator-2": "http://127.0.0.1:32",
        "collector": "http://127.0.0.1:9",
    }


def test_environment_and_options_win_over_the_stack(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MOSTREAD_AGGREGATOR_GROUP", "own-group")
    seen = run(f"--data={data}", "--aggregator=http://elsewhere/")
    assert seen.group == "own-group"
    assert seen.urls == {"aggregator": "http://elsewhere", "collector": "http://127.0.0.1:9"}


def test_stack_is_ignored_when_the_environment_names_another_kafka(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MOSTREAD_KAFKA_BROKERS", "elsewhere:1")
    seen = run(f"--data={data}")
    assert (seen.directory, seen.group, seen.urls) == (None, None, {})


def test_adopt_adds_a_secret_only_once() -> None:
    secret, file = "MOSTREAD_CLICKHOUSE_PASSWORD", "MOSTREAD_CLICKHOUSE_PASSWORD_FILE"
    by_file, by_value = {file: "f"}, {secret: "s"}
    assert adopt(STACK | {secret: "theirs"}, by_file)
    assert secret not in by_file
    assert adopt(STACK | {file: "theirs"}, by_value)
    assert file not in by_value
    both = {"MOSTREAD_RANKING_TOKENS": "", "MOSTREAD_RANKING_TOKENS_FILE": "f"}
    empty: dict[str, str] = {}
    assert adopt(STACK | both, empty)
    assert both.items() <= empty.items()


def test_service_url_without_scheme_is_refused() -> None:
    with pytest.raises(Misconfigured, match="--ranking host:1 is not a URL"):
        service_urls({"ranking": ["host:1"]})


def test_loadgen_without_a_collector_fails_at_once_and_names_the_stack(data: Path) -> None:
    arguments = ["loadgen", f"--data={data}"]
    result = CliRunner().invoke(mostread, arguments)
    assert isinstance(result.exception, Unavailable)
    message = str(result.exception)
    assert message.startswith("no collector at http://127.0.0.1:9: nothing responds")
    assert f"a stack runs in {data}" in message


@pytest.mark.parametrize(
    ("elsewhere", "hint"),
    [(False, "see its logs in"), (True, "unset MOSTREAD_KAFKA_BROKERS and")],
)
def test_unavailable_clickhouse_names_the_address_and_the_stack(
    data: Path, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool, hint: str
) -> None:
    address = STACK["MOSTREAD_CLICKHOUSE_URL"]
    if elsewhere:
        address = "http://127.0.0.1:3"
        monkeypatch.setitem(os.environ, "MOSTREAD_CLICKHOUSE_URL", address)
    result = CliRunner().invoke(mostread, ["import-totals", f"--data={data}", "--list"])
    assert isinstance(result.exception, ClickHouseUnavailable)
    (note,) = result.exception.__notes__
    assert f"tried {address}" in note
    assert f"a stack runs in {data} (Kafka 127.0.0.1:1, ClickHouse http://127.0.0.1:2)" in note
    assert hint in note


def test_unavailable_clickhouse_without_a_stack_suggests_up(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del data
    monkeypatch.setitem(os.environ, "MOSTREAD_CLICKHOUSE_URL", "http://127.0.0.1:3")
    result = CliRunner().invoke(mostread, ["import-totals", f"--data={tmp_path}", "--list"])
    assert isinstance(result.exception, ClickHouseUnavailable)
    (note,) = result.exception.__notes__
    assert f"tried http://127.0.0.1:3; no stack runs in {tmp_path}" in note
