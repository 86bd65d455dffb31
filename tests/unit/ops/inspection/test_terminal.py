"""Terminal output: width of text, cutting, and colour."""

import sys

import pytest

from mostread.ops.terminal import cut, text_width, use_colour


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("新聞", 4), ("🎄", 2), ("e\u0301", 1), ("Фонари", 6)]
)
def test_text_width(text: str, width: int) -> None:
    assert text_width(text) == width


@pytest.mark.parametrize(
    ("text", "columns", "kept"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("新聞新聞", 4, "新…"), ("a\x1b[2Jb", 9, "a�[2Jb")],
)
def test_cut_fits_text_into_columns(text: str, columns: int, kept: str) -> None:
    assert cut(text, columns) == kept
    assert text_width(kept) <= columns


def test_use_colour_on_terminals_unless_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert use_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not use_colour()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert not use_colour()
