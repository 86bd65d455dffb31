"""The state file: what it remembers, for how long, and who may use it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mostread.errors import Misconfigured
from mostread.ops.notify.messages import EditorMessage, Story
from mostread.ops.notify.state import MAX_QUEUED, State, Subject, TopStory

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STORY = TopStory(Story("a", "Title", None, "City", "https://x/"), 3)


def message(number: int = 0) -> EditorMessage:
    return EditorMessage(
        id=f"m{number}",
        subscription="desk",
        site="default",
        sections=("City",),
        lang="kk",
        top=10,
        created_at=NOW,
        page="https://x/",
    )


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "folder" / "notify.sqlite3")


@pytest.fixture
def state(file: str) -> Iterator[State]:
    with closing(State(file)) as state:
        yield state


def test_top_is_remembered_for_an_hour_and_per_subscription(state: State) -> None:
    state.record("desk", NOW, top={"a": STORY})
    assert state.top("desk", NOW + timedelta(minutes=59)) == {"a": STORY}
    assert state.top("desk", NOW + timedelta(minutes=61)) == {}
    assert state.top("other", NOW) == {}
    state.record("desk", NOW, left=["a"])
    assert state.top("desk", NOW) == {}


def test_reported_subjects_are_remembered_after_a_restart(file: str) -> None:
    with closing(State(file)) as state:
        state.record(
            "desk", NOW, reported=[Subject("rises", "a")], messages=[("t", message(), LATER)]
        )
    with closing(State(file)) as state:
        assert state.reported("desk", NOW) == {Subject("rises", "a")}
        assert state.reported("desk", NOW + timedelta(seconds=1)) == set()
        assert state.reported("other", NOW) == set()
        queued = state.next("t")
        assert queued is not None
        assert (queued.message, queued.expires_at) == (message(), LATER)


def test_messages_of_a_target_are_in_order_and_leave_when_removed(state: State) -> None:
    state.record("desk", NOW, messages=[("t", message(1), LATER), ("u", message(2), LATER)])
    state.record("desk", NOW, messages=[("t", message(3), LATER)])
    ids = []
    while queued := state.next("t"):
        ids.append(queued.message.id)
        state.remove(queued.number)
    assert ids == ["m1", "m3"]
    assert state.queued() == 1


def test_message_whose_sending_was_interrupted_is_not_sent_again(file: str) -> None:
    with closing(State(file)) as state:
        state.record("desk", NOW, messages=[("t", message(1), LATER), ("t", message(2), LATER)])
        first = state.next("t")
        assert first is not None
        state.mark(first.number, sending=True)
    with closing(State(file)) as state:
        assert state.remove_interrupted("other") == 0
        assert state.remove_interrupted("t") == 1
        rest = state.next("t")
        assert rest is not None
        assert rest.message.id == "m2"


def test_message_that_was_certainly_not_sent_waits_for_the_next_start(state: State) -> None:
    state.record("desk", NOW, messages=[("t", message(), LATER)])
    queued = state.next("t")
    assert queued is not None
    state.mark(queued.number, sending=True)
    state.mark(queued.number, sending=False)
    assert state.remove_interrupted("t") == 0
    assert state.next("t") == queued


def test_oldest_messages_of_a_target_are_dropped_beyond_the_limit(state: State) -> None:
    def add(number: int) -> dict[str, int]:
        return state.record("desk", NOW, messages=[("t", message(number), LATER)])

    assert [add(number)["t"] for number in range(MAX_QUEUED)] == [0] * MAX_QUEUED
    oldest = state.next("t")
    assert oldest is not None
    state.mark(oldest.number, sending=True)
    assert add(MAX_QUEUED) == {"t": 0}  # the oldest is being sent
    assert add(MAX_QUEUED + 1) == {"t": 1}
    state.remove(oldest.number)
    after = state.next("t")
    assert after is not None
    assert after.message.id == "m2"


def test_messages_of_targets_that_left_the_file_are_deleted(state: State) -> None:
    state.record("desk", NOW, messages=[("t", message(1), LATER), ("u", message(2), LATER)])
    assert state.remove_other_targets(["u"]) == 1
    assert state.next("t") is None
    assert state.next("u") is not None


def test_nothing_is_remembered_if_a_message_cannot_be_queued(state: State) -> None:
    with pytest.raises(sqlite3.Error):
        state.record(
            "desk",
            NOW,
            reported=[Subject("rises", "a")],
            messages=[("t", message(), LATER), (object(), message(), LATER)],  # type: ignore[list-item]
        )
    assert state.reported("desk", NOW) == set()
    assert state.queued() == 0


def test_second_process_cannot_use_the_file(state: State, file: str) -> None:
    state.record("desk", NOW, top={"a": STORY})
    code = f"from mostread.ops.notify.state import State; State({file!r})"
    second = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert second.returncode == 1
    assert "another process uses it" in second.stderr
    assert "stop the other `mostread notify`" in second.stderr


def test_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("shopping list " * 100)
    with pytest.raises(Misconfigured, match="is not a file of mostread notify"):
        State(str(other))
    with pytest.raises(Misconfigured, match="cannot be opened"):
        State(str(other / "below"))
    newer = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(newer)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(Misconfigured, match="a newer mostread wrote"):
        State(str(newer))
