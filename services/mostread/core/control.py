"""Control records: instructions to counting, written into the events topic.

A control record has exactly one line, so that no producer that gathers lines into records writes
one by accident. The only kind is a forget, written to every partition: from its offset on, the
counters of a site, or of one article of it, begin at nothing.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from mostread.core.events import Name64, Name128

ALL_ARTICLES = ""
"""Value of `Forget.article_id` that stands for every article of the site."""

Author = Annotated[str, Meta(max_length=64)]


class ForgetLine(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A forget as in the log. `id` is the same in all partitions, `by` says who asked.

    Unknown fields are rejected, and so is a null: a misspelt `article_id` would forget its site.
    """

    type: Literal["forget"]
    site: Name64
    article_id: Name128 | UnsetType = UNSET
    id: Author = ""
    by: Author = ""


class Forget(NamedTuple):
    """A forget at an offset of a partition; its record was written at `timestamp` (ms)."""

    offset: int
    timestamp: int
    site: str
    article_id: str
    id: str = ""
    by: str = ""

    def names(self, site: str, article_id: str) -> bool:
        """Return whether it applies to an article."""
        return site == self.site and self.article_id in (article_id, ALL_ARTICLES)


class _Typed(msgspec.Struct):
    type: str


_typed_decoder = msgspec.json.Decoder(_Typed)
_decoder = msgspec.json.Decoder(ForgetLine)
_encode = msgspec.json.Encoder().encode


def encode_forget(
    site: str, article_id: str = ALL_ARTICLES, *, forget_id: str = "", by: str = ""
) -> bytes:
    """Return the value of a forget."""
    name = UNSET if article_id == ALL_ARTICLES else article_id
    return _encode(ForgetLine(type="forget", site=site, article_id=name, id=forget_id, by=by))


def is_forget(line: bytes) -> bool:
    """Return whether an invalid line is meant as a forget."""
    if b'"forget"' not in line:
        return False
    try:
        return _typed_decoder.decode(line).type == "forget"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def decode_forget(line: bytes, offset: int, timestamp: int) -> Forget:
    """Decode a line. Raises msgspec.DecodeError, UnicodeDecodeError and RecursionError."""
    forget = _decoder.decode(line)
    article_id = ALL_ARTICLES if forget.article_id is UNSET else forget.article_id
    return Forget(offset, timestamp, forget.site, article_id, forget.id, forget.by)
