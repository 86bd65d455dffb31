"""Programs that tests need, present and missing."""

import pytest

from tests.support.tools import tool


def test_installed_tool_is_returned() -> None:
    assert tool("sh").endswith("/sh")


def test_missing_tool_skips_with_install_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="apt-get install kcat"):
        tool("kcat")


def test_missing_tool_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="apt-get install prometheus"):
        tool("promtool")
