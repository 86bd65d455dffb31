"""Letters sent again: which of them are events by now, and what is said of the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mostread.ops.dead_letters.topic import LetterBox
from mostread.core.dead_letters import Letter, decode, event
from mostread.ops.dead_letters._m_dead_letters_sending import Sender
from mostread.core.events import Event
from mostread.errors import InvalidEvent

BATCH = 1000


class Given(NamedTuple):
    """A letter and where it was found, or why it is none."""

    where: str
    letter: Letter | InvalidEvent


@dataclass
class Replay:
    """What came of a replay; `tell` hears of each letter that is not sent, and why."""

    events_topic: str
    send: Callable[[Sequence[Event]], None]
    tell: Callable[[str], None]
    sent: int = 0
    wrong: int = 0
    of_other_topics: int = 0
    _seen: set[str] = field(default_factory=set)

    def take(self, letters: Iterable[Given]) -> None:
        """Send those of `letters` that are events, in their order.

        A letter that comes twice is sent once.
        """
        events = []
        for where, letter in letters:
            try:
                if isinstance(letter, InvalidEvent):
                    raise letter
                if letter.topic != self.events_topic:
                    self.of_other_topics += 1
                elif letter.place not in self._seen:
                    self._seen.add(letter.place)
                    events.append(event(letter))
            except InvalidEvent as error:
                self.wrong += 1
                self.tell(f"{where}: not sent: {error}")
        if events:
            self.send(events)
        self.sent += len(events)


def replay_box(box: LetterBox, replay: Replay, sender: Sender | None) -> None:
    """Replay what was not replayed yet; with a sender, and remember that it was.

    Raises KafkaUnavailable; what was sent and not remembered is sent again next time, with
    the same ids.
    """
    for portion in box.not_replayed():
        replay.take(Given(kept.where, kept.letter) for kept in portion)
        if sender is not None:
            sender.mark(portion[-1].partition, portion[-1].offset + 1)


def replay_file(lines: Iterable[bytes], replay: Replay) -> None:
    """Replay the letters of NDJSON as `mostread dead-letters list --json` writes it."""
    batch: list[Given] = []
    for given in _given(lines):
        batch.append(given)
        if len(batch) == BATCH:
            replay.take(batch)
            batch = []
    replay.take(batch)


def _given(lines: Iterable[bytes]) -> Iterator[Given]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Given(f"line {number}", decode(line))
            except InvalidEvent as error:
                yield Given(f"line {number}", error)
