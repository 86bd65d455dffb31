"""Arguments of `mostread notify`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mostread.cli.notify import notify
from mostread.errors import Misconfigured


def test_sample_goes_to_existing_subscriptions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text('[[subscription]]\nname = "City"\nalerts = ["rises"]\nwebhook = "https://x/"\n')
    monkeypatch.setenv("MOSTREAD_NOTIFY_SUBSCRIPTIONS_FILE", str(file))
    unknown = CliRunner().invoke(notify, ["--test", "--only", "Sport"])
    assert isinstance(unknown.exception, Misconfigured)
    assert "there is no subscription 'Sport'" in str(unknown.exception)
    without = CliRunner().invoke(notify, ["--only", "City"])
    assert without.exit_code == 2
    assert "add --test" in without.output
