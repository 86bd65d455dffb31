"""Text is cut by the columns it takes, and colour is a wish that can be refused."""

import sys

import pytest

from mostread.ops.terminal import colours, columns, cut


@pytest.mark.parametrize(
    ("text", "takes"), [("abc", 3), ("新聞", 4), ("🎄", 2), ("e\u0301", 1), ("Фонари", 6)]
)
def test_columns(text: str, takes: int) -> None:
    assert columns(text) == takes


@pytest.mark.parametrize(
    ("text", "to", "kept"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("新聞新聞", 4, "新…"), ("a\x1b[2Jb", 9, "a�[2Jb")],
)
def test_what_does_not_fit_is_cut(text: str, to: int, kept: str) -> None:
    assert cut(text, to) == kept
    assert columns(kept) <= to


def test_colour_only_on_a_terminal_and_not_where_it_is_unwanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert not colours()
