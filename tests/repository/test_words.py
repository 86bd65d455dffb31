"""The rules of words.py: each catches what it is for, and the project breaks none."""

import pytest

from tests.repository.words import RULES, files, hits


def broken(line: str) -> list[str]:
    return [rule.name for rule in RULES if rule.pattern.search(line)]


def test_project_uses_no_rejected_words() -> None:
    assert [str(hit) for path in files() for hit in hits(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "The worker begins anew.",
        "if not self._still_ours():",
        "class Stretch:",
        '"""What a record holds."""',
        "# Whoever asks gets a page.",
        "The topic was made again.",
        '"sent_at" is no time',
        "Kafka is away",
        "KAFKA_AWAY = 1",
        "40,000 events a second",
        "EVENTS_A_SECOND = 1",
        "There are two of them.",
        "The log says so.",
        "the counting goes on",
    ],
)
def test_rejected_wording_is_found(line: str) -> None:
    assert broken(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "The amendment recommends a commendation.",
        "align-items: stretch;",
        "The list is no longer cached, and it is no larger than before.",
        "It works as long as there is no gap.",
        "Retry right away, or throw away the batch.",
        "What is a session? It ends after 30 minutes.",
        "once a minute, an hour later",
        "its hours, our yours",
        "def test_half_an_hour_later() -> None:",
        "an outstretched hand",
    ],
)
def test_ordinary_english_passes(line: str) -> None:
    assert broken(line) == []
