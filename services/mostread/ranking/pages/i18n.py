"""Translations: gettext catalogues read by Babel, one per language.

The catalogues are pages/locales/*/LC_MESSAGES/mostread.po. Code refers to a message by its
context (msgctxt), so that an English text can change without code or other languages. The
English text is the msgid; in the English catalogue, msgstr is empty. `{...}` marks values that
are filled in.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from gettext import c2py
from pathlib import Path
from typing import Literal, get_args

from babel import Locale
from babel.messages.pofile import read_po

from mostread.core.ranking.windows import CURRENT

Lang = Literal["en", "ru", "kk"]
LANGUAGES: tuple[Lang, ...] = get_args(Lang)

SESSION_MESSAGES = (
    "sign_in",
    "sign_out",
    "sign_out_failed",
    "foreign_page",
    "token_unknown",
    "token_for_programs",
    "token_wrong_role",
    "service_unavailable",
    "share_copied",
    "share_too_long",
)
"""Messages that session.js shows."""

SCRIPT_MESSAGES = (
    "signed_out",
    "foreign_page",
    "token_wrong_role",
    "service_unavailable",
    "collector_unavailable",
    "request_refused",
    "hide",
    "pin",
    "keys.more",
    "do.hide",
    "do.pin",
    "do.more",
    "saving",
    "lift.hidden",
    "lift.pinned",
    "decision_loading",
    "decision_unknown",
    "decided_by",
    "quoted",
    "by_cms",
    "log_anonymous",
    "rank_taken",
    "rank_holder",
    "moves_down",
    "conflict",
    "overtaken",
    "overtaken_first",
    "expires_before_embargo",
    "all_sections",
    "all_languages",
    *(
        f"decision.{effect}"
        for effect in (
            "hidden",
            "listed",
            "pinned",
            "unpinned",
            "pinned_in",
            "embargo",
            "expires",
            "expired",
            "approved",
            "until",
            "none",
        )
    ),
    *(f"window.{window}" for window in CURRENT),
    "done.hidden",
    "done.pinned",
    "done.saved",
    "now_in_force",
    "done.unchecked",
    "done.reset",
    "done.undone",
    "done.pending",
    "undo",
    "undo_nothing",
    "undo_conflict",
    "close",
)
"""Messages that editor.js shows; it fills in their values itself."""

REASONS = ("correction", "outdated", "legal", "duplicate")
"""Reasons that the form of a decision offers, and stores as text in its language."""

_LOCALES = Path(__file__).parent / "locales"


class Translator:
    """The messages of one language."""

    def __init__(self, lang: Lang) -> None:
        """Load the catalogue of a language."""
        path = _LOCALES / lang / "LC_MESSAGES" / "mostread.po"
        with path.open("rb") as file:
            catalog = read_po(file, locale=lang)
        self.lang = lang
        months = Locale(lang).months["format"]
        self._months: Mapping[int, str] = months["wide"]
        self._short_months: Mapping[int, str] = months["abbreviated"]
        self._plural_form: Callable[[int], int] = c2py(catalog.plural_expr)
        self._texts: dict[str, str] = {}
        self._plurals: dict[str, tuple[str, ...]] = {}
        for message in catalog:
            if message.context is None:
                continue
            if isinstance(message.id, str):
                self._texts[message.context] = str(message.string or message.id)
            else:
                translated = isinstance(message.string, tuple) and all(message.string)
                forms = message.string if translated else message.id
                self._plurals[message.context] = tuple(forms or ())

    def __call__(self, key: str, **values: object) -> str:
        """Return a message with its values filled in. Raises KeyError for an unknown key."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def plural(self, key: str, number: int) -> str:
        """Return the plural form of a message for a number, without the number."""
        return self._plurals[key][self._plural_form(abs(number))]

    def number(self, number: float) -> str:
        """Round a number and group its digits: 3,925 in English, 3 925 in other languages."""
        grouped = f"{round(number):,}".replace("-", "\u2212")
        return grouped if self.lang == "en" else grouped.replace(",", "\u202f")

    def ratio(self, ratio: float) -> str:
        """Format a ratio with one decimal below 10: 4.2 in English, 4,2 in other languages."""
        if round(ratio, 1) >= 10:
            return self.number(ratio)
        return f"{ratio:.1f}" if self.lang == "en" else f"{ratio:.1f}".replace(".", ",")

    def date(self, day: date) -> str:
        """Format a date without its year: 23 November."""
        return f"{day.day} {self._months[day.month]}"

    def short_date(self, timestamp: datetime) -> str:
        """Format a date without its year, for charts: 23 Nov."""
        return f"{timestamp.day} {self._short_months[timestamp.month]}"


TRANSLATORS: Mapping[Lang, Translator] = {lang: Translator(lang) for lang in LANGUAGES}


_OFFERED = {t(f"reason.{name}"): name for t in TRANSLATORS.values() for name in REASONS}


def reason_text(reason: str, t: Translator) -> str:
    """Return the reason of a decision, one of REASONS in the language of the reader."""
    return t(f"reason.{_OFFERED[reason]}") if reason in _OFFERED else reason


def negotiate(accept_language: str) -> Lang:
    """Return the language that an Accept-Language header prefers, English by default."""
    best: Lang = "en"
    best_quality = 0.0
    for part in accept_language.split(",")[:32]:
        tag, _, parameter = part.strip().lower().partition(";q=")
        try:
            quality = float(parameter or 1)
        except ValueError:
            continue
        for lang in LANGUAGES:
            if tag.split("-")[0] == lang and quality > best_quality:
                best, best_quality = lang, quality
    return best
