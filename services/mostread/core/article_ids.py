"""The rule for article ids, the same wherever an id comes in.

The collector, the imports and the article sync clean every id they receive. `of_url` gives the id
that the tracker derives from the address of a page. schemas/examples/article_ids.json holds cases
of both functions for other implementations. This module uses only the standard library, because
mostread.client imports it.
"""

import re
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 128
"""Maximum length of an id in code points."""

BLANKS = "\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""Characters that JavaScript's trim() removes, for use in a character class."""

_OUTER_BLANKS = re.compile(f"^[{BLANKS}]+|[{BLANKS}]+\\Z")
# Controls, U+FFFD (text read in the wrong encoding), line and paragraph separators, bidi controls,
# zero-width space, word joiner, byte order mark, surrogates, noncharacters. The joiners U+200C and
# U+200D are part of Persian words and of emoji.
_MISLEADING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffd"
    "\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000))
    + "]"
)
INVISIBLE = (
    f"{BLANKS}\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
)
"""Blanks, the default-ignorable code points of Unicode (DerivedCoreProperties.txt) up to U+FFFF,
and the blank pattern of Braille, for use in a character class."""

_VISIBLE = re.compile(
    f"[^{INVISIBLE}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_CAMPAIGN_PARAMETER = re.compile(
    r"[um]tm_|(\w*clk?id|[gw]braid|igsh(id)?|mc_[ce]id|_openstat|_g[al]|_hs(enc|mi)|mkt_tok|srsltid)"
    r"(=|\Z)",
    re.ASCII | re.IGNORECASE,
)
"""Query parameters that name a campaign or a click, never a page: docs/how-to/events.md."""

_ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/\\?]*", re.ASCII | re.IGNORECASE)
_CONTROLS = "".join(map(chr, range(0x21)))
_REMOVED = dict.fromkeys(map(ord, "\t\n\r"))
# Browsers percent-encode these in a path and in a query (https://url.spec.whatwg.org/).
_ENCODED_IN_PATH = re.compile(r"[^!#-;=?-_a-z|~]+")
_ENCODED_IN_QUERY = re.compile(r"[^!#-&(-;=?-~]+")
_MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Escapes that decodeURI decodes: all but those of ; / ? : @ & = + $ , #
_DECODABLE = re.compile(r"(?:%(?!2[346BCF]|3[ABDF]|40)[0-9A-F]{2})+", re.IGNORECASE)


class InvalidArticleId(ValueError):
    """A text that cannot be an article id."""


def clean(text: str) -> str:
    """Return an article id without blanks at its ends, in Unicode's form NFC.

    Raises InvalidArticleId if nothing visible is left, if more than 128 code points are, or if the
    id contains a character that misleads readers.
    """
    if text.isascii() and text.isprintable():
        cleaned = text.strip(" ")
        visible = bool(cleaned)
    else:
        cleaned = _OUTER_BLANKS.sub("", unicodedata.normalize("NFC", text))
        visible = _VISIBLE.search(cleaned) is not None
        if match := _MISLEADING.search(cleaned):
            raise InvalidArticleId(
                f"`article_id` contains U+{ord(match[0]):04X}; send it without control characters, "
                "direction marks and zero-width spaces, in UTF-8"
            )
    if not visible:
        raise InvalidArticleId("`article_id` is blank; send the id of the article")
    if len(cleaned) > MAX_LENGTH:
        raise InvalidArticleId(
            f"`article_id` has {len(cleaned)} characters; send at most {MAX_LENGTH}"
        )
    return cleaned


def are_clean(ids: Sequence[str]) -> bool:
    """Return whether `clean` returns each of `ids`, of 1 to 128 characters, unchanged."""
    joined = "".join(ids)
    if joined.isascii() and joined.isprintable() and " " not in joined:
        return True  # the usual case, ten times as fast
    return all(map(_is_clean, ids))


def _is_clean(text: str) -> bool:
    try:
        return clean(text) == text
    except InvalidArticleId:
        return False


def of_url(url: str) -> str:
    """Return the article id of an address, given as a whole or from its path on.

    The id is the path and the query without campaign parameters, decoded as by JavaScript's
    decodeURI: escapes of `;/?:@&=+$,#` remain, and an address that is not UTF-8 remains as a whole.
    The id keeps its last 128 code points. Raises InvalidArticleId as `clean` does.
    """
    address = _ORIGIN.sub("", url.strip(_CONTROLS), 1).partition("#")[0]
    path, _, query = address.partition("?")
    try:
        path = _ENCODED_IN_PATH.sub(_percent_encode, path)
        query = _ENCODED_IN_QUERY.sub(_percent_encode, query)
    except UnicodeEncodeError:
        raise InvalidArticleId("the address contains half a surrogate pair; send UTF-8") from None
    query = without_campaign(query)
    encoded = _resolve(path) + ("?" + query if query else "")
    text = unicodedata.normalize("NFC", _decode_uri(encoded))
    return clean(_OUTER_BLANKS.sub("", text)[-MAX_LENGTH:])


def without_campaign(query: str) -> str:
    """Return a query without parameters that name a campaign or a click, also in escapes."""
    parameters = filter(None, query.split("&"))
    return "&".join(
        [each for each in parameters if not _CAMPAIGN_PARAMETER.match(_decode_uri(each))]
    )


def _percent_encode(match: re.Match[str]) -> str:
    # Browsers remove tabs and line ends from an address. The bytes of a log line that is not
    # UTF-8 arrive as surrogate escapes.
    text = match[0].translate(_REMOVED)
    return "".join([f"%{byte:02X}" for byte in text.encode(errors="surrogateescape")])


def _resolve(path: str) -> str:
    """Return an absolute path without its `.` and `..` segments."""
    resolved: list[str] = []
    segments = path.replace("\\", "/").removeprefix("/").split("/")
    for segment in segments:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del resolved[-1:]
        elif dots != ".":
            resolved.append(segment)
    if dots in (".", ".."):
        resolved.append("")  # /a/b/.. is /a/
    return "/" + "/".join(resolved)


def _decode_uri(encoded: str) -> str:
    """Return what JavaScript's decodeURI returns, or `encoded` where that throws."""
    if _MALFORMED.search(encoded):
        return encoded
    try:
        return _DECODABLE.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode(), encoded)
    except UnicodeDecodeError:
        return encoded
