"""Every language has every message, every plural form, and every value to fill in."""

import json
import re
import string
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from mostread.core.editorial.placements import Withheld
from mostread.core.ranking.windows import NAMES
from mostread.ranking.pages import chart_range, elements, i18n
from mostread.ranking.pages.i18n import LANGUAGES, SCRIPT_MESSAGES, TRANSLATORS, Lang, negotiate
from mostread.ranking.queries import By
from mostread.ranking.service.articles import WINDOWS
from mostread.ranking.steps import LENGTHS

PACKAGE = Path(str(files("mostread.ranking")))


def catalog(lang: Lang) -> Catalog:
    with (PACKAGE / "pages" / "locales" / lang / "LC_MESSAGES" / "mostread.po").open("rb") as file:
        return read_po(file, locale=lang)


def texts(lang: Lang) -> dict[str, list[str]]:
    """Return the forms of every message by its key, empty where one is missing."""
    forms = {}
    for message in catalog(lang):
        if message.context is not None:
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            forms[message.context] = [str(text or "") for text in strings]
    return forms


def sources(lang: Lang) -> dict[str, object]:
    return {message.context: message.id for message in catalog(lang) if message.context}


def values(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_catalogue_has_same_messages_as_english(lang: Lang) -> None:
    assert sources(lang) == sources("en")
    keys = [message.context for message in catalog(lang) if message.context]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_translation_has_every_text_and_fills_in_same_values(lang: Lang) -> None:
    for key, source in sources("en").items():
        english = source if isinstance(source, str) else source[-1]  # type: ignore[index]
        for text in texts(lang)[key]:
            assert text, key
            assert text == "." or text != english, key
            assert values(text) == values(english), key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_plurals_have_every_form_of_their_language(lang: Lang) -> None:
    forms = catalog(lang).num_plurals
    assert forms == get_plural(lang).num_plurals
    plurals = [key for key, source in sources(lang).items() if not isinstance(source, str)]
    assert plurals
    for key in plurals:
        assert len(texts(lang)[key]) == forms, key
        for number in (*range(130), 1_000_000):
            assert TRANSLATORS[lang].plural(key, number)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_window_order_and_language_has_its_words(lang: Lang) -> None:
    t = TRANSLATORS[lang]
    for window in (*NAMES, *WINDOWS):
        assert t(f"window.{window}")
        assert t(f"during.{window}")
    for by in get_args(By):
        assert t(f"order.{by}")
        assert t(f"criterion.{by}")
        assert t("unit.points") if by in {"score", "trending"} else t.plural(f"unit.{by}", 2)
    for span in (chart_range.LIFE, *chart_range.SPANS):
        assert t(f"span.{span}")
    for step in LENGTHS:
        assert t(f"by.{step}")
        assert t(f"grain.{step}")
        assert t(f"steps.{step}", zone="UTC")
    for reason in Withheld:
        assert t(f"withheld.{reason}")


def test_code_and_templates_use_exactly_the_messages_of_catalogues() -> None:
    patterns = ("api/*.py", "pages/*.py", "pages/templates/*", "../ops/notify/*.py")
    code = "".join(path.read_text() for pattern in patterns for path in PACKAGE.glob(pattern))
    quoted = set(re.findall(r'"([a-z0-9_]+(?:\.[a-z0-9_]+)*)"', code)) | set(SCRIPT_MESSAGES)
    families = set(re.findall(r'\bt(?:\.plural)?\(\s*f?"((?:[a-z]+[._])+)(?:"|\{)', code))
    families |= {"unit."}
    keys = sources("en").keys()
    called = set(re.findall(r'\bt(?:\.plural)?\(\s*"([a-z0-9_.]+[a-z0-9])"', code))
    assert called <= keys
    unused = {
        key
        for key in keys
        if key not in quoted and not any(key.startswith(family) for family in families)
    }
    assert not unused


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "en"),
        ("kk", "kk"),
        ("en;q=0.5, RU-ru;q=0.9", "ru"),
        ("ru;q=0, kk;q=0.1", "kk"),
        ("de,fr", "en"),
        (";q=,;;,ru;q=nan", "en"),
    ],
)
def test_negotiate_prefers_highest_quality(header: str, lang: Lang) -> None:
    assert negotiate(header) == lang


def test_script_messages_are_those_of_editor_script() -> None:
    parts = sorted((PACKAGE / "pages" / "static" / "editor").glob("*.js"))
    script = "".join(part.read_text() for part in parts)
    for key in SCRIPT_MESSAGES:
        # Some are completed by a value, as in `window.${name}`.
        start = re.match(r".*[._]|", key)
        assert start
        assert f'"{key}"' in script or f"`{start[0]}${{" in script, key
        assert TRANSLATORS["en"](key)
    used = re.findall(r'(?:sentence|Refusal|text)\("([\w.]+)"', script)
    assert set(used) <= set(i18n.SCRIPT_MESSAGES)


def test_elements_have_plural_forms_by_category() -> None:
    constant = re.match(r"\(\(\) => \{\nconst WORDS = (\{.*\});\n", elements.script())
    assert constant
    words = json.loads(constant[1])
    assert words["ru"]["views"] == {
        "one": "просмотр",
        "few": "просмотра",
        "many": "просмотров",
        "other": "просмотров",
    }
    assert words["en"]["views"] == {"one": "view", "other": "views"}
    assert words["kk"]["during"]["24h"] == "24 сағатта"
    assert {frozenset(each) for each in words.values()} == {frozenset(words["en"])}
