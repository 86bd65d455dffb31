"""Entity tags (RFC 9110, section 8.8.3)."""

import re

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def matches(if_none_match: str, etag: str) -> bool:
    """Return whether a header If-None-Match names `etag`, by the weak comparison."""
    if if_none_match.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return any(tag == opaque for tag in _TAG.findall(if_none_match))
