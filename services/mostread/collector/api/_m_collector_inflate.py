"""Inflating a body in one bounded step.

aiohttp can inflate as well, and refuses what becomes too large; but then it goes on inflating
the rest, for up to ten seconds, to throw it away before it closes the connection. A request of
900 KB stopped the whole service for two seconds that way. So its inflating is switched off
(web/connections.py), and this stops where the limit is.
"""

import zlib

_AS_ZLIB = zlib.MAX_WBITS
FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": _AS_ZLIB}
"""What zlib calls each Content-Encoding."""


class NotInflatable(Exception):
    """It is damaged, it ends early, or something follows it."""


class TooLarge(Exception):
    """It becomes larger than it may."""


def inflate(body: bytes, wbits: int, most: int) -> bytes:
    """Return what `body` inflates to. Raises NotInflatable, and TooLarge beyond `most` bytes."""
    if wbits == _AS_ZLIB and body[:1] and body[0] & 0xF != zlib.DEFLATED:
        wbits = -wbits  # many clients send the bare stream and call it deflate
    inflating = zlib.decompressobj(wbits)
    try:
        inflated = inflating.decompress(body, most + 1)
    except zlib.error as error:
        raise NotInflatable from error
    if len(inflated) > most:
        raise TooLarge
    if not inflating.eof or inflating.unused_data:
        raise NotInflatable
    return inflated
