"""`mostread dead-letters` on Kafka, with an aggregator that writes and counts them."""

import base64
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from mostread.cli.audit import audit
from mostread.cli.dead_letters import dead_letters
from mostread.core.events import Event
from mostread.errors import KafkaUnavailable
from mostread.ops.dead_letters.replay import ReplayProducer
from tests.support.system import System, wait_until

GOOD = b'{"type":"view","article_id":"a"}'
BROKEN = b'{"type":"view","article_id":"a","timestamp":"now"}'


def produce(system: System, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    for value in values:
        producer.send(topic, key=b"a", value=value).get(30)
    producer.close()


def produce_letters(system: System, *letters: dict[str, object]) -> None:
    produce(system, system.kafka.dead_letters_topic, *map(orjson.dumps, letters))


def run(system: System, *arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(
        dead_letters, arguments, env=system.environment, input=stdin, catch_exceptions=False
    )


def letters(system: System, *options: str) -> list[dict[str, object]]:
    ran = run(system, "list", "--json", *options)
    assert ran.exit_code == 0
    return [orjson.loads(line) for line in ran.stdout.splitlines()]


def total(system: System) -> tuple[int, int, int]:
    """Return views, comments and likes of the article a in total."""
    totals = [
        numbers
        for counters in system.counters().values()
        for key, numbers in counters.items()
        if key[1] == "total" and key[3] == "a"
    ]
    views, comments, likes = (sum(column) for column in zip(*totals, strict=True))
    return views, comments, likes


def test_dead_letters_are_listed_corrected_and_counted_once(system: System, tmp_path: Path) -> None:
    system.service("aggregator").wait_ready()
    events = system.kafka.events_topic
    produce(system, events, GOOD + b"\n" + BROKEN, b"\xff\x1b[2J", b"{")
    wait_until(lambda: system.counted() == 3, "all lines are counted")

    listed = letters(system)
    assert [(entry["offset"], entry["line"], entry.get("text")) for entry in listed] == [
        (0, 1, BROKEN.decode()),
        (1, 0, None),
        (2, 0, "{"),
    ]
    (partition,) = {entry["partition"] for entry in listed}
    written = {record.offset: record.timestamp for record in system.log()[int(str(partition))]}
    assert [entry["timestamp"] for entry in listed] == [written[0], written[1], written[2]]
    assert base64.b64decode(str(listed[1]["base64"])) == b"\xff\x1b[2J"
    assert letters(system, "--limit", "1") == listed[:1]
    assert letters(system, "--reason", "TRUNCATED") == listed[2:]
    assert letters(system, "--since", "2199-01-01") == []
    shown = run(system, "list").stdout
    assert f"{system.kafka.events_topic}/{partition}/0/1" in shown
    assert "\x1b" not in shown, "control characters are escaped"

    corrected = tmp_path / "corrected.ndjson"
    listed[0]["text"] = BROKEN.decode().replace('"now"', "null")
    listed[1]["text"] = '{"type":"like","article_id":"a","id":"own"}'
    corrected.write_bytes(b"\n".join(orjson.dumps(entry) for entry in listed))
    dry = run(system, "replay", "--dry-run", str(corrected))
    assert dry.exit_code == 1
    assert [orjson.loads(line)["id"] for line in dry.stdout.splitlines()] == [
        f"letter-{partition}-0-1",
        "own",
    ]
    ran = run(system, "replay", str(corrected))
    assert ran.exit_code == 1
    assert "2 sent, 1 still invalid" in ran.stderr
    assert "line 3: not sent: Input data was truncated" in ran.stderr
    # As after a run whose outcome is unknown.
    again = run(system, "replay", "-", stdin=corrected.read_bytes())
    assert "2 sent" in again.stderr
    wait_until(lambda: system.counted() == 7, "the replayed events are counted")
    assert total(system) == (2, 0, 1)
    checked = CliRunner().invoke(audit, env=system.environment)
    assert checked.exit_code == 0, checked.output


def test_replay_continues_at_the_replay_checkpoint(system: System) -> None:
    system.service("aggregator").wait_ready()
    produce(system, system.kafka.events_topic, BROKEN, b"{")
    wait_until(lambda: system.counted() == 2, "both are counted")
    # As after an upgrade that accepts the line: the dead letter is a valid event now.
    letter = {**letters(system)[0], "offset": 77, "text": GOOD.decode()}
    articles = {**letter, "topic": system.kafka.articles_topic}
    produce_letters(system, letter, letter, articles)

    dry = run(system, "replay", "--dry-run")
    assert dry.exit_code == 1
    assert "1 to send, 2 still invalid" in dry.stderr
    ran = run(system, "replay")
    assert ran.exit_code == 1
    assert "1 sent, 2 still invalid" in ran.stderr
    assert "1 of another topic than events; publish these articles" in ran.stderr
    assert "a view" not in ran.stderr
    for _ in range(2):
        ran = run(system, "replay")
        assert (ran.exit_code, ran.stderr) == (0, "0 sent, 0 still invalid\n")
    produce_letters(system, {**letter, "offset": 78})
    assert "1 sent, 0 still invalid" in run(system, "replay").stderr
    wait_until(lambda: system.counted() == 4, "both are counted")
    assert total(system) == (2, 0, 0)
    assert len(letters(system)) == 5, "all dead letters remain readable"


def test_replay_writes_no_checkpoint_without_acknowledgement(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"topic": system.kafka.events_topic, "partition": 0, "offset": 5, "line": 0}
    produce_letters(system, {**where, "reason": "?", "text": GOOD.decode()})
    send = ReplayProducer.send

    def refuse(producer: ReplayProducer, events: list[Event]) -> None:
        send(producer, events)
        raise KafkaUnavailable("the acknowledgement got lost")

    monkeypatch.setattr(ReplayProducer, "send", refuse)
    with pytest.raises(KafkaUnavailable):
        run(system, "replay")
    monkeypatch.undo()
    assert "1 sent" in run(system, "replay").stderr
    system.service("aggregator").wait_ready()
    wait_until(lambda: system.counted() == 2, "both are counted")
    assert total(system) == (1, 0, 0)
