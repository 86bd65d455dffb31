"""Every language says the same things, and puts in the same."""

import re
import string
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files

import pytest

from mostread.ranking.pages.desk_words import DESK_WORDS, DeskWords
from mostread.ranking.pages.page_words import PAGE_WORDS, PageWords, spoken
from mostread.ranking.pages.words import Lang


def pieces(words: PageWords | DeskWords) -> dict[str, str]:
    """Return every piece of text by its name."""
    found = {}
    for field in fields(words):
        value = getattr(words, field.name)
        if isinstance(value, str):
            found[field.name] = value
        else:
            several = value.items() if isinstance(value, dict) else enumerate(value)
            found |= {f"{field.name} {name}": each for name, each in several}
    return found


@pytest.mark.parametrize("lang", ["ru", "kk"])
@pytest.mark.parametrize("all_words", [PAGE_WORDS, DESK_WORDS])
def test_a_translation_is_whole(
    all_words: Mapping[Lang, PageWords | DeskWords], lang: Lang
) -> None:
    english, other = pieces(all_words["en"]), pieces(all_words[lang])
    assert other.keys() == english.keys()
    for name, text in other.items():
        put_in = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        expected = {field for _, field, _, _ in string.Formatter().parse(english[name]) if field}
        assert put_in == expected, name
        assert text == "." or text != english[name], name


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("kk", "kk"),
        ("en;q=0.5, RU-ru;q=0.9", "ru"),
        ("ru;q=0, kk;q=0.1", "kk"),
        ("de,fr", "en"),
        (";q=,;;,ru;q=nan", "en"),
    ],
)
def test_the_browser_says_which_language(accepted: str, lang: Lang) -> None:
    assert spoken(accepted) == lang


def test_what_the_script_says_is_there_and_said() -> None:
    script = (files("mostread.ranking") / "pages" / "static" / "desk.js").read_text()
    for name in DeskWords.SAID:
        assert f'"{name}"' in script
        assert getattr(DESK_WORDS["en"], name)
    assert set(re.findall(r'(?:sentence|Refusal)\("(\w+)"', script)) <= set(DeskWords.SAID)
