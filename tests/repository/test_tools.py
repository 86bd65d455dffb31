import pytest

from tests.support.tools import tool


def test_a_tool_that_is_there_is_found() -> None:
    assert tool("sh").endswith("/sh")


def test_a_missing_tool_skips_the_test_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="apt-get install kcat"):
        tool("kcat")


def test_a_missing_tool_is_an_error_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="apt-get install prometheus"):
        tool("promtool")
