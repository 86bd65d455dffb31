"""Bot detection by user agent: one rule for live traffic and for access logs.

The list is Matomo's, from the package of device-detector for Python: of the kept lists it measures
best (docs/how-to/filtering.md). Only its patterns are read. The package's own parser takes five
times as much memory and twenty times as long to recognise a bot.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import distribution
from pathlib import Path

import yaml

MAX_USER_AGENT_LENGTH = 256
"""Characters of a user agent that detection and visitor hashes look at."""

NO_USER_AGENT = "no user agent"
ADDED = "added"
"""Name of the patterns that an operator added."""

_MORE_BOTS = {
    # Browsers and nearly all programs send one; access logs show a missing one as "-".
    NO_USER_AGENT: r"^[\s-]*$",
    # Programs name the page that explains them. Apps that people use also do, and name their
    # system; of the bots only those that pose as a browser ("Mozilla") do so.
    "contact address": r"^(?!(?!mozilla).*\b(?:ios|iphone|ipad|android|darwin)\b)"
    r".*\+ ?(?:https?:|mailto:|www\.)"
    r"|^mozilla/\d\.\d[ +]\(compatible;(?!.*(?:msie|konqueror)).*https?://",
    "self-declared bot": r"crawl|spider(?! 8)|(?<!cu)(?<!hu)bot(?:s\b|/|;|\)|$)|\bbot-",
    # Matomo's list of bots leaves these out: it counts them among browsers and libraries.
    "automated browser": r"headless|phantomjs|slimerjs|\bsplash (?:version|safari)|playwright"
    r"|puppeteer|selenium|webdriver|cypress/|lighthouse|\bpa11y|\bptst\b|dareboost|neustar wpm",
    "monitor": r"checkly(?:hq\.com|/)|updown\.io|newrelic(?:pinger|synthetics)|elastic-heartbeat/"
    r"|synthetic-monitoring-agent|cloudwatchsynthetics|\bgooglehc\b|freshping",
    "copier": r"httrack|wkhtmlto(?:pdf|image)",
    "scanner": r"openvas|nikto|sqlmap|nmap|masscan|wpscan|nuclei|\bffuf|feroxbuster|gobuster",
}
"""Patterns besides the list, by name."""

_READERS = (
    # Mail services fetch an image through a proxy because a reader opened a mail.
    r"googleimageproxy|yahoomailproxy|seznamemailproxy|ramblermail|ukr\.?net",
    # HTTP libraries: apps use them, and a crawler that hides behind one could just as well call
    # itself a browser.
    r"^(?:node|undici)$|^node-fetch/|^php-curl-class/|^esp32 http client",
    # Phones such as Cubot, FOSSiBOT and Power Bot: the model follows the version of Android.
    r"\(linux;[^()]*android [\d.]+;[^()]*bot\b(?![-/])[^()]*\)"
    r"(?!.*(?:bot|spider|compatible|\+http))",
    # Apps whose built-in browser opens what their bots fetch under the same name.
    r"^mozilla/5\.0 \((?:iphone|ipad|ipod|linux; android)\b[^()]*\) applewebkit/"
    r"(?!.*(?:compatible|https?:|bot\b)).*\b(?:feedly|mastodon|bluesky)\b",
    # Podcast apps that name an address and no system.
    r"^(?:bullhorn|gpodder)/",
)
"""Readers that a pattern takes for bots."""

_SPLIT_REPETITION = re.compile(r"(?<!\\)\{\d*(?:\\x2[cC]\d*\}|$)")
"""The rest of `{1,3}` that is cut at its comma, or `{1\\x2c3}`, which matches no repetition."""

_WORD_START = "(?<![a-z0-9_-])"
"""Precedes each pattern of the list, as in Matomo."""

_PATTERNS_PER_EXPRESSION = 200
"""Python searches for so many alternatives faster than for one at a time."""


class BotRule:
    """Tell bots from readers by their user agents."""

    def __init__(self, add: str = "", remove: str = "") -> None:
        """Compile the patterns.

        `add` and `remove` are regular expressions separated by commas, without regard to case: of
        further bots, and of readers whatever other patterns say. Raises ValueError.
        """
        readers = re.compile("|".join(_READERS), re.IGNORECASE)
        self._readers = [readers, *parse_patterns(remove)]
        self._added = parse_patterns(add)
        # A search takes 0.3 ms, and most readers share their user agent with many others.
        self.bot_pattern = lru_cache(maxsize=20_000)(self._bot_pattern)

    def _bot_pattern(self, user_agent: str) -> str | None:
        """Return the name of the pattern that makes a user agent a bot, or None for a reader."""
        if any(pattern.search(user_agent) for pattern in self._readers):
            return None
        if any(pattern.search(user_agent) for pattern in self._added):
            return ADDED
        lower = user_agent.lower()
        for expression, patterns in _expressions():
            if expression.search(lower):
                return next(name for name, pattern in patterns if _compiled(pattern).search(lower))
        return None


def parse_patterns(text: str) -> list[re.Pattern[str]]:
    """Return the regular expressions of a setting. Raises ValueError for an invalid one.

    Each is compiled alone: joined into one, a group, a reference or a flag of an expression would
    mean something else.
    """
    patterns = []
    for pattern in filter(None, map(str.strip, text.split(","))):
        if _SPLIT_REPETITION.search(pattern):
            raise ValueError(
                f"{pattern!r} contains a part of a repetition such as {{1,3}}, which is not "
                "possible since commas separate expressions; write xx?x? for x{1,3}"
            )
        try:
            patterns.append(re.compile(pattern, re.IGNORECASE))
        except re.error as error:
            raise ValueError(
                f"{pattern!r} is not a regular expression ({error}); separate expressions by "
                r"commas, and write \x2c for a comma within one"
            ) from None
    return patterns


_compiled = cache(re.compile)  # `re` itself remembers only 512

Patterns = Sequence[tuple[str, str]]
"""Patterns for user agents in lower case, each after its name."""


@cache
def _expressions() -> list[tuple[re.Pattern[str], Patterns]]:
    """Return expressions that together match all bots, each with the patterns that it unites."""
    listed = _read_list()
    expressions = []
    for start in range(0, len(listed), _PATTERNS_PER_EXPRESSION):
        part = listed[start : start + _PATTERNS_PER_EXPRESSION]
        expressions.append(_unite(_WORD_START, part))
    return [*expressions, _unite("", list(_MORE_BOTS.items()))]


def _unite(prefix: str, patterns: Patterns) -> tuple[re.Pattern[str], Patterns]:
    united = "|".join(f"(?:{pattern})" for _, pattern in patterns)
    return re.compile(f"{prefix}(?:{united})"), [
        (name, f"{prefix}(?:{pattern})") for name, pattern in patterns
    ]


def _read_list() -> Patterns:
    # Through its metadata, since importing the package would load its parsers.
    package = distribution("device-detector").locate_file("device_detector")
    bots = yaml.load(Path(str(package), "regexes/upstream/bots.yml").read_bytes(), yaml.CSafeLoader)
    return [(_header_text(bot["name"]), _lower(bot["regex"])) for bot in bots]


def _header_text(name: str) -> str:
    """Return a name in ASCII; a name that quotes the user agent becomes a generic one."""
    if "\\g<" in name:
        return "Generic Bot"
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


def _lower(pattern: str) -> str:
    """Translate a pattern of PCRE that ignores case into Python's for text in lower case.

    Python searches ten times as fast where it need not ignore case. It knows no look-behind of
    alternatives that differ in length, so `(?<!ab|c)` becomes `(?<!ab)(?<!c)`.
    """
    pattern = re.sub(r"(?<!\\)[A-Z]", lambda letter: letter[0].lower(), pattern)
    return re.sub(r"\(\?<![^()]*\)", lambda part: part[0].replace("|", ")(?<!"), pattern)
