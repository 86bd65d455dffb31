"""Hosts of pages that an AMP cache or Google Translate serves at addresses of its own.

Both put the publisher's host into one label: dots become hyphens and hyphens double ones, so
news.example is at news-example.cdn.ampproject.org and at news-example.translate.goog. See
https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls and
https://developers.google.com/search/docs/appearance/ad-network-and-translation. Hosts too long for
one label are not recognised: an AMP cache hashes them, and Google Translate cuts them.
"""

import re
from collections.abc import Iterator

_AMP = ("cdn.ampproject.org", "bing-amp.com")
_TRANSLATE = "translate.goog"
_ONE_HYPHEN = re.compile(r"(?<!-)-(?!-)")
_ORIGIN = re.compile(r"https://([a-z0-9-]+)\.([a-z.-]+)")


def publisher_hosts(origin: str) -> Iterator[str]:
    """Yield the hosts that the page at an origin, in lower case, may come from."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return
    label, proxy = match.groups()
    if proxy in _AMP:
        label = _to_unicode(label)
        yield _to_ascii(_decode(label))
        if label.startswith("0-") and label.endswith("-0"):  # hyphens third and fourth
            yield _to_ascii(_decode(label[2:-2]))
    elif proxy == _TRANSLATE:
        yield _decode(label)
        if label.startswith("1-"):  # hyphens third and fourth
            yield _decode(label[2:])
        if label.startswith("0-"):
            yield "xn--" + _decode(label[2:])


def _decode(label: str) -> str:
    return _ONE_HYPHEN.sub(".", label).replace("--", "-")


def _to_unicode(label: str) -> str:
    try:
        return label.encode().decode("idna")
    except UnicodeError:
        return label


def _to_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""
