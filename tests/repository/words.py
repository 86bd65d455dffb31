"""Words that code, documentation and messages must not use, with replacements.

List every hit, or those of some paths:

    python -m tests.repository.words [PATH ...]
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SKIPPED = re.compile(
    r"""(^|/)(vendor|requirements)/ | \.(min\.js|png|ico|svg|gz|jar|lock)$ | (^|/)LICENSE
    | ^tests/repository/(test_)?words\.py$""",
    re.VERBOSE,
)
"""Files that others wrote, and the list itself."""

_SENTENCE = r"""(?:^|(?<=[.!?]\ )|(?<=\#\ )|(?<=\"\"\")|(?<=//\ )|(?<=[-*]\ )|(?<=\|\ ))"""
_UNIT = "second|minute|hour|day|month|core|record|event|query|request|article|partition|worker"
_RATED = (
    "events|records|requests|views|bytes|lists|readers|queries|rows|messages|articles"
    "|microseconds|milliseconds|[µu]s|ms|[KMG]B|processor time"
)

_COUNTED = (
    "events|lists|readers|keys|ids|bytes|probes|refused|away|visitor|address|requests|records"
)


@dataclass(frozen=True)
class Rule:
    """A pattern that must not occur in a line, and the usual words for it."""

    name: str
    pattern: re.Pattern[str]
    instead: str


def _word(words: str, instead: str) -> Rule:
    """Reject words on their own and as a part of an identifier, in any case."""
    pattern = rf"(?<![a-z])(?i:{words})(?![a-z])"
    return Rule(words, re.compile(pattern), instead)


def _phrase(name: str, pattern: str, instead: str) -> Rule:
    return Rule(name, re.compile(pattern, re.VERBOSE), instead)


RULES = [
    _word("anew", "again, restart, recreate"),
    _word("mend|mends|mended|mending", "fix, correct"),
    _word("thrice", "three times"),
    _word("oftener", "more often"),
    _word("noughts?", "zero"),
    _word("whoever|whosoever|whomever", "anyone who, clients that"),
    _word("households?", "client network"),
    _word("told", "reported, configured, notified"),
    _phrase("ours", r"(?i)(?<![a-z])ours(?![a-z])", "own; is_current"),
    _word("impatient|patience", "timeout, retry"),
    _word("newsroom_?words|desk_?words", "catalogue"),
    _phrase("stretch", r"(?i:(?<![a-z])stretch(es|ed)?(?![a-z]))(?!;)", "batch"),
    _phrase("of theirs, of its own kind", r"(?i)\bof\ theirs\b", "their"),
    _phrase(
        "beside us",
        r"(?i)\bbeside\ (us|others?|them|him|peers)\b",
        "next to, compared with",
    ),
    _phrase("made again", r"(?i)\b(made|make|makes)\ again\b", "recreated"),
    _phrase("as many as may", r"(?i)\bas\ (many|much|long)\ as\ may\b", "up to the limit"),
    _phrase(
        "is no X",
        r"""(?i)(?<!there\ )(?<!there\ can\ )\b(is|are|was|were)\ no\ (?!longer|more\b|less\b|later
        |need|such|way\b|reason|point\b|further|one\b|\w+er\b)[a-z]""",
        "is not a X",
    ),
    _phrase("way of an event", r"(?i)\b(ways?|path)[ -]of[ -]an[ -]event\b", "pipeline, data flow"),
    _phrase("goes on", r"(?i)\b(goes|went|go|going)\ on\b", "continues"),
    _phrase("says so", r"(?i)\b(says?|said|saying|tells?)\ so\b", "reports it, logs it"),
    _phrase(
        "what was said",
        r"(?i)\bwhat\ (was|is|were)\ (said|told|taken|asked|held|kept|found|given|meant)\b",
        "name the thing",
    ),
    _phrase(
        "is away",
        r"(?i)\b(is|are|was|were|be|been|being|stay|stays|stayed|while|when)\ away\b",
        "is unavailable",
    ),
    _phrase(
        "away in an identifier",
        r"(?<![A-Za-z])(?i:(is|are|was|kafka|clickhouse|when|while)[_-]away)(?![a-z])|\bAway\b",
        "unavailable",
    ),
    _phrase(f"a {_UNIT}", rf"\b({_RATED})\ an?\ ({_UNIT})\b", "per"),
    _phrase(
        "_a_second in an identifier",
        rf"(?<![A-Za-z])(?i:\w*({_COUNTED})_an?_({_UNIT}))(?![a-z])",
        "per_second",
    ),
    _phrase(
        "sentence that starts with What",
        _SENTENCE + r"(What|Whatever|Of)\ (?!course\b)(?!.*\?)",
        "start with the subject",
    ),
    _phrase(
        "sentence that starts with There is",
        _SENTENCE + r"There\ (is|are|was|were)\ (?!.*\?)",
        "start with the subject",
    ),
]

VAGUE_NAMES = {"found", "said", "told", "held", "asked", "whole", "place", "beside"}
"""Names that no variable and no parameter has: they say nothing about the value."""


@dataclass(frozen=True)
class Hit:
    """A line that breaks a rule."""

    path: str
    line: int
    rule: str
    instead: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} (write: {self.instead}): {self.text[:120]}"


def files(*paths: str) -> Iterator[Path]:
    """Yield the tracked text files that the rules hold for."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in sorted(filter(None, listing.split("\0"))):
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and not _SKIPPED.search(name):
            yield path


def hits(path: Path) -> Iterator[Hit]:
    """Yield each line of a file that breaks a rule."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        for rule in RULES:
            if rule.pattern.search(line.strip()):
                yield Hit(name, number, rule.name, rule.instead, line.strip())
    if path.suffix == ".py":
        for number, variable in _vague_names(text):
            yield Hit(name, number, "vague name", "name the value", variable)


def _vague_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each variable and parameter with a vague name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        else:
            continue
        if name.lstrip("_") in VAGUE_NAMES:
            yield node.lineno, name


def main() -> int:
    """Print all hits; return 1 where one exists."""
    all_hits = [hit for path in files(*sys.argv[1:]) for hit in hits(path)]
    for hit in all_hits:
        sys.stdout.write(f"{hit}\n")
    return 1 if all_hits else 0


if __name__ == "__main__":
    sys.exit(main())
