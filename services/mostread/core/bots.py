"""Which user agents are programs that read the web for no reader."""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

LIBRARY = ["http-library"]
"""The tags of what only names a way to speak HTTP: an app speaks through okhttp, a developer
through curl, and neither is a crawler. One that hides behind them could as well call itself a
browser."""

MAIL_PROXIES = re.compile("GoogleImageProxy|YahooMailProxy")
"""They fetch a picture because a reader opened a mail."""

_TOGETHER = 25
"""Patterns in one expression: Python searches for these faster than one by one, or all at once."""


def _expressions() -> list[re.Pattern[str]]:
    patterns = [each["pattern"] for each in CRAWLER_USER_AGENTS_DATA if each["tags"] != LIBRARY]
    return [
        re.compile("|".join(patterns[start : start + _TOGETHER]))
        for start in range(0, len(patterns), _TOGETHER)
    ]


_EXPRESSIONS = _expressions()


# Looking takes 0.1 ms, and most readers share their browser's name with many others.
@lru_cache(maxsize=20_000)
def is_bot(user_agent: str) -> bool:
    """Whether a program says of itself that it is one."""
    return any(
        expression.search(user_agent) for expression in _EXPRESSIONS
    ) and not MAIL_PROXIES.search(user_agent)
