"""The Python client against a collector: its counts equal what the topic contains."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.client import Client, Stats
from mostread.core.events import PUBLIC
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.schemas import DIRECTORY
from tests.support.collector import TOKENS, Collecting, collecting
from tests.support.servers import running_kafka
from tests.support.system import wait_until

# Since 3.12 Python warns about forks with threads, which these tests exercise.
WARNINGS = ("-W", "error", "-W", "ignore::DeprecationWarning")
EXAMPLES = DIRECTORY / "examples" / "event"


@pytest.fixture(scope="module")
def collector(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector")) as running:
        yield running


def ids(collector: Collecting, article: str) -> list[str]:
    events = [event for event in collector.events() if event.article_id == article]
    return sorted(event.id.removeprefix(PUBLIC) for event in events)


def outcomes(stats: Stats) -> dict[str, int]:
    """Return the nonzero counts, without retries."""
    counts = stats._replace(retries=0, last_error="")._asdict()
    return {name: count for name, count in counts.items() if count}


def test_client_sends_views_comments_and_likes(collector: Collecting) -> None:
    with Client(collector.url, token=TOKENS["emit"], site="s") as client:
        assert client.view("kinds", visitor="v")
        assert client.view("kinds", visitor="v")
        assert client.view("kinds", id="mine", site="other", timestamp=1_795_461_787_364)
        assert client.comment("kinds")
        assert client.like("kinds")
        assert client.like("kinds", delta=-1)
        assert client.flush(60)
        assert outcomes(client.stats) == {"accepted": 6}
    assert not client.view("kinds")
    assert outcomes(client.stats) == {"accepted": 6, "given_up": 1}
    events = [event for event in collector.events() if event.article_id == "kinds"]
    assert sorted((e.type, e.site, e.delta) for e in events) == [
        ("comment", "s", 1),
        ("like", "s", -1),
        ("like", "s", 1),
        ("view", "other", 1),
        ("view", "s", 1),
        ("view", "s", 1),
    ]
    assert len({event.id for event in events}) == 5, "one visitor in one half hour"
    assert all(event.timestamp for event in events)


def test_client_accepts_and_rejects_the_schema_examples(collector: Collecting) -> None:
    with Client(collector.url, token=TOKENS["emit"], linger=0) as client:
        valid = sorted((EXAMPLES / "valid").glob("*.json"))
        for number, path in enumerate(valid, 1):
            event = json.loads(path.read_bytes())
            assert client.send({"id": f"example-{number}", **event}), path.name
            assert client.flush(60)
            assert outcomes(client.stats) == {"accepted": number}, path.name
        tried = 0
        for path in sorted((EXAMPLES / "invalid").glob("*.json")):
            reason = path.name.split(".")[-2]
            try:
                event = json.loads(path.read_bytes())
            except ValueError:
                continue
            if reason == "duplicate_field" or path.name.endswith(".rejected.json"):
                continue
            queued = client.send(event)
            assert client.flush(60)
            tried += 1
            assert outcomes(client.stats) == {"accepted": len(valid), "rejected": tried}, path.name
            expected = f"rejected: {reason}: " if queued else "not a valid event: "
            assert client.stats.last_error.startswith(expected), path.name
        assert len(valid) > 5
        assert tried > 20


def test_client_counts_missing_and_unknown_tokens(collector: Collecting) -> None:
    with Client(collector.url) as client:
        client.like("tokens", delta=-1)
        client.like("tokens", id="public")
        assert client.flush(60)
        assert outcomes(client.stats) == {"accepted": 1, "rejected": 1}
        assert client.stats.last_error.startswith("rejected: token_required: ")
    with Client(collector.url, token="unknown") as client:
        client.like("tokens")
        assert client.flush(60)
        assert outcomes(client.stats) == {"given_up": 1}
        assert client.stats.last_error.startswith("401: ")
    assert ids(collector, "tokens") == ["public"]


def test_client_delivers_each_event_once_from_many_threads(collector: Collecting) -> None:
    with Client(collector.url, queue_size=20_000) as client:

        def call(thread: int) -> None:
            for number in range(500):
                assert client.view("threads", id=f"{thread}-{number}")

        threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.close(60) == Stats(accepted=4000)
    assert ids(collector, "threads") == sorted(f"{t}-{n}" for t in range(8) for n in range(500))


def test_full_queue_refuses_new_or_drops_oldest(kafka: LocalKafka, tmp_path: Path) -> None:
    with collecting(kafka.brokers, tmp_path) as collector:
        collector.service.kill()
        with (
            Client(collector.url, queue_size=3, linger=0) as refusing,
            Client(collector.url, queue_size=3, linger=0, when_full="drop_oldest") as dropping,
        ):
            for name, client in (("refusing", refusing), ("dropping", dropping)):
                assert client.view(name, id=f"{name}-0")
                wait_until(lambda c=client: c.stats.retries > 0, "it is being sent")  # type: ignore[misc]
                queued = [client.view(name, id=f"{name}-{number}") for number in range(1, 6)]
                assert queued == [name == "dropping" or number <= 3 for number in range(1, 6)]
                assert outcomes(client.stats) == {"waiting": 4, "overflowed": 2}
            collector.service.start()
            for client in (refusing, dropping):
                assert client.flush(60)
                assert outcomes(client.stats) == {"accepted": 4, "overflowed": 2}
        assert ids(collector, "refusing") == [f"refusing-{n}" for n in (0, 1, 2, 3)]
        assert ids(collector, "dropping") == [f"dropping-{n}" for n in (0, 3, 4, 5)]


def test_client_loses_nothing_across_outages(tmp_path: Path) -> None:
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        collecting(kafka.brokers, tmp_path, ack_timeout_seconds="3") as collector,
        Client(collector.url, queue_size=1_000_000, linger=0.01) as client,
    ):
        stop = threading.Event()
        names: list[str] = []

        def readers() -> None:
            while not stop.wait(0.01):
                names.append(f"{len(names)}")
                assert client.view("outage", id=names[-1])

        thread = threading.Thread(target=readers)
        thread.start()

        def continues() -> None:
            before = client.stats.accepted
            wait_until(lambda: client.stats.accepted > before + 50, "delivery continues")

        def notices_outage() -> None:
            before = client.stats.retries
            wait_until(lambda: client.stats.retries > before, "the client retries")

        try:
            continues()
            kafka.kill()
            notices_outage()
            assert client.stats.last_error
            kafka.start()
            continues()
            collector.service.kill()
            notices_outage()
            collector.service.start()
            continues()
        finally:
            stop.set()
            thread.join()
        assert client.flush(60)
        assert outcomes(client.stats) == {"accepted": len(names)}
        # Repeated events kept their ids, so each counts once.
        assert set(ids(collector, "outage")) == set(names)


def test_given_up_events_are_unknown_if_an_attempt_may_have_succeeded(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    with collecting(kafka.brokers, tmp_path) as collector:
        os.kill(collector.service.pid, signal.SIGSTOP)
        try:
            with Client(collector.url, timeout=0.5, resend_seconds=0.1) as client:
                client.view("silent", id="timed-out")
                assert client.flush(60)
                assert outcomes(client.stats) == {"unknown": 1}
            client = Client(collector.url, timeout=60, linger=0)
            client.view("silent", id="in-flight")
            delivery = client._delivery
            wait_until(lambda: bool(delivery._batch and delivery._batch.in_flight), "it is sent")
            client.view("silent", id="never-sent")
            assert outcomes(client.close(0.1)) == {"unknown": 1, "given_up": 1}
        finally:
            os.kill(collector.service.pid, signal.SIGCONT)
        # The bytes had left the client, so the collector accepts events the client gave up.
        wait_until(lambda: ids(collector, "silent") == ["in-flight", "timed-out"], "they arrive")
        collector.service.kill()
        with Client(collector.url, resend_seconds=0.1) as client:
            client.view("silent")
            assert client.flush(60)
            assert outcomes(client.stats) == {"given_up": 1}


def run(collector: Collecting, program: str) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            program,
            collector.url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


START = "import os, sys\nfrom mostread.client import Client\nclient = Client(sys.argv[1])\n"


def test_queue_is_sent_at_interpreter_exit(collector: Collecting) -> None:
    run(collector, START + "for n in range(700): client.view('exit', id=f'e{n}')")
    assert len(ids(collector, "exit")) == 700
    run(collector, START + "client.view('exits', id='one'); sys.exit(0)")
    # An exit handler cannot start threads (Python 3.12), or runs too late for one.
    run(
        collector,
        "import atexit, threading\n" + START + "def refuse(thread): raise RuntimeError\n"
        "threading.Thread.start = refuse\n"
        "atexit.register(lambda: client.view('exits', id='two'))",
    )
    assert ids(collector, "exits") == ["one", "two"]


def test_forked_children_start_with_an_empty_queue(collector: Collecting) -> None:
    output = run(
        collector,
        START + "def send(name, count):\n"
        "    for n in range(count): assert client.view('fork', id=f'{name}-{n}')\n"
        "send('parent', 300)\n"
        "children = []\n"
        "for child in range(3):\n"
        "    children.append(pid := os.fork())\n"
        "    if not pid:\n"
        "        assert client.stats == (0,) * 8 + ('',), client.stats\n"
        "        send(f'child{child}', 200)\n"
        "        assert client.flush(60)\n"
        "        assert client.stats.accepted == 200, client.stats\n"
        "        client.view('fork', id=f'child{child}-last')\n"
        "        sys.exit()\n"
        "    send(f'parent-after-{child}', 50)\n"
        "for pid in children: assert os.waitpid(pid, 0)[1] == 0\n"
        "print(client.close(60).accepted)",
    )
    assert output == "450\n"
    forked = ids(collector, "fork")
    assert len(forked) == len(set(forked)) == 450 + 3 * 201
