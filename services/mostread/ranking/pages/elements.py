"""The script of the custom elements for other pages, joined from static/elements."""

import json
from collections.abc import Mapping
from pathlib import Path

from babel import Locale

from mostread.core.ranking.windows import NAMES
from mostread.ranking.pages.i18n import TRANSLATORS, Translator

_SOURCES = ("common.js", "list.js", "count.js", "like.js")
_TEXTS = ("measured", "like", "like_failed", "like_final")
_DIRECTORY = Path(__file__).parent / "static" / "elements"

# Numbers whose plural forms are all forms of whole numbers.
_SAMPLES = range(201)


def script() -> str:
    """Return the script, with the words of all languages."""
    words = {lang: _words(t) for lang, t in TRANSLATORS.items()}
    sources = "\n".join((_DIRECTORY / name).read_text() for name in _SOURCES)
    return f"(() => {{\nconst WORDS = {json.dumps(words, ensure_ascii=False)};\n{sources}}})();\n"


def _words(t: Translator) -> dict[str, object]:
    return {
        "most_read": t("most_read"),
        **{what: _forms(t, what) for what in ("views", "comments", "likes")},
        "during": {name: t(f"during.{name}") for name in NAMES},
        **{name: t(f"element.{name}") for name in _TEXTS},
    }


def _forms(t: Translator, what: str) -> Mapping[str, str]:
    """Return the words for counts by plural category, as Intl.PluralRules names them."""
    category = Locale(t.lang).plural_form
    forms = {category(number): t.plural(f"counted.{what}", number) for number in _SAMPLES}
    return {**forms, "other": forms.get("other", forms.get("many", ""))}
