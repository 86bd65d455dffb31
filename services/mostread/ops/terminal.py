"""How lines get onto a terminal: with or without colour, and no wider than it is."""

import os
import shutil
import sys
import unicodedata


def colours() -> bool:
    """Whether colour is wanted: on a terminal, unless NO_COLOR says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and _is_capable()


def _is_capable() -> bool:
    return os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(_columns(character) for character in text)


def cut(text: str, to: int) -> str:
    """Return what of a text fits into so many columns; nothing in it is obeyed by a terminal."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    if columns(text) <= to:
        return text
    kept, room = "", to - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return f"{kept}…"


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
