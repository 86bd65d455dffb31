"""Terminal output: colour, width and text that fits it."""

import os
import shutil
import sys
import unicodedata

DEFAULT_WIDTH = 100


def use_colour() -> bool:
    """Return whether stdout is a colour terminal and NO_COLOR is not set."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def terminal_width() -> int:
    """Return the columns of the terminal; 100 where stdout is not a terminal."""
    if not sys.stdout.isatty():
        return DEFAULT_WIDTH
    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural with an s unless it is 1."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def text_width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    return sum(_character_width(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Cut a text to so many columns, and replace control characters."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    if text_width(text) <= columns:
        return text
    kept, room = "", columns - 1
    for character in text:
        room -= _character_width(character)
        if room < 0:
            break
        kept += character
    return f"{kept}…"


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
