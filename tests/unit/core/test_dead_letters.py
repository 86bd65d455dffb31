"""Bounds of dead letters: whatever a line holds, its record fits, and says what is missing."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mostread.core.dead_letters import (
    MAX_BYTES,
    MAX_LINE_BYTES,
    MAX_REASON_LENGTH,
    DeadLetter,
    decode,
    encode,
    from_line,
    without_line,
)
from mostread.core.records import DeadLine, LogRecord, each_line

TOPIC = "t" * 249  # the longest name that Kafka allows
FAR = 2**63 - 1

# Characters that JSON escapes, that take one to four bytes in UTF-8, or that need base64.
PIECES = ['"', "\\", "\x00", "\x1f", "\x7f", "\n", "\u2028", "é", "я", "😀", "\U0010ffff", "y"]
hostile_lines = st.builds(
    lambda pieces, times, end: b"".join(pieces) * times + end,
    st.lists(
        st.sampled_from([piece.encode() for piece in PIECES]) | st.binary(max_size=4), min_size=1
    ),
    st.integers(1, 3) | st.integers(50_000, 120_000),
    st.binary(max_size=3),
)


def letter(raw: bytes, reason: str = "?") -> DeadLetter:
    return from_line(TOPIC, FAR, DeadLine(FAR, FAR, FAR, reason, raw))


@given(hostile_lines, st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 100_000))
@example(b'"' * 3_000_000, "\x00", 100_000)
@example(b"\xff" * 3_000_000, "😀", 100_000)
def test_letter_of_any_line_fits_and_holds_its_start(raw: bytes, reason: str, times: int) -> None:
    made = letter(raw, reason * times)
    value = encode(made)
    assert len(value) + len(made.position) < MAX_BYTES
    stored = decode(value)
    assert stored == made
    assert len(stored.reason) <= MAX_REASON_LENGTH
    # At most the rest of a character is missing besides.
    assert len(stored.raw) >= min(len(raw), MAX_LINE_BYTES - 3)
    assert raw.startswith(stored.raw)
    if len(raw) > MAX_LINE_BYTES:
        assert (stored.length, stored.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    else:
        assert (stored.raw, stored.length, stored.sha256) == (raw, None, None)


def test_reason_that_quotes_a_value_is_cut() -> None:
    line = b'{"type":"' + b'\\"' * 500_000 + b'","article_id":"x"}'
    (dead,) = each_line(LogRecord(0, 0, line))
    assert isinstance(dead, DeadLine)
    assert len(dead.reason) > MAX_REASON_LENGTH
    stored = letter(line, dead.reason)
    assert len(stored.reason) == MAX_REASON_LENGTH
    assert stored.reason.startswith('Invalid enum value \'""')
    assert stored.reason.endswith("…")


@pytest.mark.parametrize("character", ["y", "я", "€", "😀"])
def test_text_is_cut_between_characters(character: str) -> None:
    stored = letter(b"ab" + character.encode() * MAX_LINE_BYTES)
    assert stored.text is not None
    assert set(stored.text[2:]) == {character}


def test_letter_without_its_line_has_the_digest() -> None:
    rest = without_line(letter(b"nonsense"), b"nonsense")
    assert (rest.raw, rest.length) == (b"", 8)
    assert rest.sha256 == hashlib.sha256(b"nonsense").hexdigest()
    assert decode(encode(rest)) == rest
