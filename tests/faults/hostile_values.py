"""Values of hostile records: what no client ought to send, and what some do."""

import random
from collections.abc import Callable
from typing import NamedTuple

import orjson

LINE_BYTES = 1_900_000
"""Size of the largest lines: a record with one fits into the topic's 2 MiB."""

VIEW = b'{"type":"view","article_id":"hostile"}'
Make = Callable[[random.Random], bytes | None]


class Kind(NamedTuple):
    """Makes a value; `weight` is how often, compared with the other kinds."""

    make: Make
    weight: float


def _text(chance: random.Random, alphabet: str, most: int) -> str:
    return "".join(chance.choices(alphabet, k=chance.randint(1, most)))


def _mutated(chance: random.Random) -> bytes:
    """Return an event with some bytes replaced, removed or doubled."""
    value = bytearray(_view(chance))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(value))
        value[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return bytes(value)


def _view(chance: random.Random, **fields: object) -> bytes:
    article = f"hostile-{chance.randrange(50)}"
    return orjson.dumps({"type": "view", "article_id": article, **fields})


def _number(chance: random.Random) -> bytes:
    number = chance.choice(
        [b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"-0", b"1.5", b"0x10", b"%d" % 2**63, b"1e2"]
    )
    field = chance.choice([b"delta", b"timestamp"])
    return b'{"type":"like","article_id":"hostile","%s":%s}' % (field, number)


def _escaped(chance: random.Random) -> bytes:
    """Return an event with escapes of halves of characters, or of control characters."""
    escape = chance.choice([b"\\ud800", b"\\udfff\\ud800", b"\\u0000", b"\\u2028", b"\\x41", b"\\"])
    return b'{"type":"view","article_id":"a%s"}' % escape


def _control(chance: random.Random) -> bytes:
    return b'{"type":"view","article_id":"a%c"}' % chance.choice([*range(32), 127])


def _half_of_a_character(chance: random.Random) -> bytes:
    encoded = chance.choice("юж漢🦊").encode()
    return b'{"type":"view","article_id":"%s"}' % encoded[: chance.randint(1, len(encoded) - 1)]


def _nested(chance: random.Random) -> bytes:
    depth = chance.choice([2, 50, 500, 5_000])
    return chance.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])


def _lines(chance: random.Random) -> bytes:
    ending = chance.choice([b"\n", b"\r\n", b"\n\n", b"\r", b"\n\x00\n"])
    lines = chance.choices([VIEW, b"{}", b"", b"\xff", b"null", b"{" * 30], k=chance.randint(2, 40))
    return ending.join(lines)


def _repeated_id(chance: random.Random) -> bytes:
    return _view(chance, id=f"again-{chance.randrange(20)}")


KINDS: dict[str, Kind] = {
    "null values": Kind(lambda _: None, 2),
    "empty values": Kind(lambda _: b"", 2),
    "random bytes": Kind(lambda chance: chance.randbytes(chance.randint(1, 300)), 8),
    "zeros": Kind(lambda chance: bytes(chance.randint(1, 300)), 2),
    "events with wrong bytes": Kind(_mutated, 10),
    "events cut off": Kind(lambda chance: _view(chance)[: chance.randint(1, 40)], 5),
    "other JSON": Kind(
        lambda chance: chance.choice(
            [b"null", b"[]", b"{}", b"1", b'""', b"true", b" ", b"\xc2\xa0"]
        ),
        5,
    ),
    "wrong numbers": Kind(_number, 5),
    "escapes": Kind(_escaped, 5),
    "control characters": Kind(_control, 4),
    "halves of characters": Kind(_half_of_a_character, 4),
    "byte order marks": Kind(lambda chance: b"\xef\xbb\xbf" + _view(chance), 2),
    "UTF-16": Kind(lambda chance: _view(chance).decode().encode("utf-16"), 2),
    "nested JSON": Kind(_nested, 2),
    "many lines": Kind(_lines, 4),
    "ids again and again": Kind(_repeated_id, 4),
    "other times": Kind(
        lambda chance: _view(
            chance, timestamp=chance.choice([0, 1, -5, 10**11, 4_102_444_799_999])
        ),
        4,
    ),
    "other sites": Kind(lambda chance: _view(chance, site=_text(chance, "abcdefg.", 12)), 2),
    "100,000 brackets": Kind(lambda _: b"[" * 100_000, 0.02),
    "a million lines": Kind(lambda _: b"x\n" * 1_000_000, 0.01),
    "lines of 2 MB": Kind(
        lambda chance: b'{"type":"' + chance.choice([b'"', b"x", b"\\n"]) * (LINE_BYTES // 2), 0.01
    ),
}
