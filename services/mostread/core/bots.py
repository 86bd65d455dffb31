"""Bot detection by user agent, for live traffic and for imported access logs."""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

MAX_USER_AGENT_LENGTH = 256
"""Characters of a user agent that detection and visitor hashes look at."""

_LIBRARY_TAGS = ["http-library"]
"""Tags of agents that only name an HTTP library: apps use okhttp, developers use curl, and neither
is a crawler. A crawler that hides behind one could just as well call itself a browser."""

_MAIL_PROXIES = re.compile("GoogleImageProxy|YahooMailProxy")
"""Fetch an image because a reader opened a mail."""

_PATTERNS_PER_EXPRESSION = 25
"""Python searches for so many alternatives faster than for one at a time or all at once."""


def _compile_expressions() -> list[re.Pattern[str]]:
    patterns = [
        crawler["pattern"]
        for crawler in CRAWLER_USER_AGENTS_DATA
        if crawler["tags"] != _LIBRARY_TAGS
    ]
    return [
        re.compile("|".join(patterns[start : start + _PATTERNS_PER_EXPRESSION]))
        for start in range(0, len(patterns), _PATTERNS_PER_EXPRESSION)
    ]


_EXPRESSIONS = _compile_expressions()


# A search takes 0.1 ms, and most readers share their user agent with many others.
@lru_cache(maxsize=20_000)
def is_bot(user_agent: str) -> bool:
    """Return whether the user agent identifies itself as a bot."""
    return any(
        expression.search(user_agent) for expression in _EXPRESSIONS
    ) and not _MAIL_PROXIES.search(user_agent)
