"""Steady clients that post to the collectors, and resend until they get 202."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from mostread.core.retention import RESEND_LIMIT_SECONDS
from tests.faults.ledger import KINDS, Ledger, SentEvent

HOUR = 3_600_000
ARTICLE = "статья-"
UNKNOWN = "outcome-unknown"
"""The problem of a 503 after which events may be stored."""

INVALID = (
    b"no event",
    b'{"type":"view"}',
    b'{"type":"view","article_id":""}',
    b'{"type":"glance","article_id":"a"}',
    b'{"type":"view","article_id":"a","delta":-1}',
    b'{"type":"view","article_id":"a","id":"not allowed"}',
    b'{"type":"view","article_id":"a","timestamp":"now"}',
    b'{"type":"view","article_id":"\xff"}',
)


def make_event(chance: random.Random, now: int) -> SentEvent:
    """Return an event of the last hours; one in twenty is late, a third are of one article."""
    late = chance.random() < 0.05
    age = 30 * HOUR if late else chance.choice([0, 0, 0, 90_000, 2 * HOUR, 20 * HOUR])
    kind = chance.choices(KINDS, [90, 3, 7])[0]
    return SentEvent(
        id=f"{chance.getrandbits(80):020x}",
        type=kind,
        article_id=f"{ARTICLE}{min(int(chance.paretovariate(0.6)), 3000)}",
        timestamp=now - age,
        delta=-1 if kind != "view" and chance.random() < 0.2 else 1,
        late=late,
    )


class Traffic:
    """Clients in a thread of their own, at about `rate` events per second together.

    `stop` raises errors of the clients. With `repeats` off no event is sent twice
    on purpose: across a moment at which articles change their partition it would count twice.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: str,
        *,
        seed: int,
        rate: float = 1000,
        clients: int = 6,
    ) -> None:
        self.ledger = Ledger()
        self.repeats = True
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {token}"}
        self._seed = seed
        self._rate = rate / clients
        self._sent: list[list[SentEvent]] = [[] for _ in range(clients)]
        self._ending = threading.Event()
        self._flowing = threading.Event()
        self._under_way = 0
        self._lock = threading.Lock()
        self._abandoned = False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="traffic")

    def start(self) -> "Traffic":
        self._flowing.set()
        self._thread.start()
        return self

    def forget(self) -> None:
        """Send none of the events again on purpose that were sent until now."""
        for sent in self._sent:
            sent.clear()

    def pause(self) -> None:
        """Return when nothing is under way; nothing more is sent until `go_on`."""
        with self._lock:
            self._flowing.clear()
        while self._under_way and self._thread.is_alive():
            time.sleep(0.02)

    def go_on(self) -> None:
        self._flowing.set()

    def stop(self) -> Ledger:
        """Return when every event that was sent is answered; raises what a client raised."""
        self._ending.set()
        self._flowing.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        return self.ledger

    def abandon(self) -> None:
        """Stop without answers, where a run has failed; nothing happens after `stop`."""
        self._abandoned = True
        self._ending.set()
        self._flowing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:
            self._failed = error

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for number in range(len(self._sent)):
                clients.create_task(self._client(number))
            clients.create_task(self._quitter(clients))

    async def _client(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        async with self._session() as http:
            while not self._ending.is_set():
                await asyncio.to_thread(self._flowing.wait)
                if not self._begin():
                    continue
                size = chance.choice([1, 20, chance.randint(1, 300)])
                await self._send(http, chance, number, size)
                self._end()
                await asyncio.sleep(chance.uniform(0.5, 1.5) * size / self._rate)

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=20)
        return aiohttp.ClientSession(headers=self._headers, timeout=timeout)

    def _begin(self) -> bool:
        """Whether a request may begin; it is under way then."""
        with self._lock:
            flowing = self._flowing.is_set()
            self._under_way += flowing
        return flowing

    def _end(self) -> None:
        with self._lock:
            self._under_way -= 1

    async def _send(
        self, http: aiohttp.ClientSession, chance: random.Random, number: int, size: int
    ) -> None:
        """Make a batch, send it, and enter its outcome in the ledger."""
        now = time.time_ns() // 1_000_000
        fresh = [make_event(chance, now) for _ in range(size)]
        sent = self._sent[number]
        again = [chance.choice(sent) for _ in range(size // 20 + 1) if sent and self.repeats]
        events = [*fresh, *again]
        chance.shuffle(events)
        lines = [event.line() for event in events]
        wrong = chance.random() < 0.1
        if wrong:
            lines.insert(chance.randint(0, len(lines)), chance.choice(INVALID))
        answer_body = await self._post(http, number, b"\n".join(lines))
        assert answer_body["accepted"] == len(events), answer_body
        assert len(answer_body["rejected"]) == wrong, answer_body
        self.ledger.accepted.update((event.id, event) for event in fresh)
        self.ledger.rejected += wrong
        self.ledger.repeated += len(again)
        sent += fresh
        del sent[:-2000]

    async def _post(self, http: aiohttp.ClientSession, number: int, body: bytes) -> dict[str, Any]:
        """Return the response to `body`, trying the next collector after a failure."""
        began = time.monotonic()
        attempt = number
        while time.monotonic() < began + RESEND_LIMIT_SECONDS:
            answer = await self._post_once(http, attempt, body)
            if isinstance(answer, dict):
                return answer
            assert not self._abandoned, "abandoned"
            attempt += 1
            self.ledger.resent += 1
            await asyncio.sleep(0.2)
        raise AssertionError("no collector responded for 25 minutes")

    async def _post_once(
        self, http: aiohttp.ClientSession, attempt: int, body: bytes
    ) -> dict[str, Any] | str:
        """Return the body of a 202, or why there is none."""
        url = self._urls[attempt % len(self._urls)]
        try:
            async with http.post(f"{url}/v1/events", data=body) as answer:
                answer_body: dict[str, Any] = await answer.json(content_type=None)
                if answer.status == 202:
                    self.ledger.outages.accepted(time.monotonic())
                    return answer_body
                assert answer.status == 503, answer_body
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
            return UNKNOWN
        self.ledger.outages.refused(time.monotonic())
        problem = str(answer_body["type"]).rpartition(":")[2]
        self.ledger.refusals[problem] += 1
        return problem

    async def _quitter(self, clients: asyncio.TaskGroup) -> None:
        """Send single events; never resend one if the first answer is that it is not stored."""
        chance = random.Random(f"{self._seed} quitter")
        async with self._session() as http:
            attempt = 0
            while not self._ending.is_set():
                await asyncio.to_thread(self._flowing.wait)
                if not self._begin():
                    continue
                attempt += 1
                event = make_event(chance, time.time_ns() // 1_000_000)
                answer = await self._post_once(http, attempt, event.line())
                if answer == UNKNOWN:
                    clients.create_task(self._settle(event, attempt))
                    continue
                if isinstance(answer, dict):
                    self.ledger.accepted[event.id] = event
                else:
                    self.ledger.given_up += 1
                self._end()
                await asyncio.sleep(0.2)

    async def _settle(self, event: SentEvent, attempt: int) -> None:
        """Resend an event of unknown outcome until it is stored."""
        async with self._session() as http:
            await self._post(http, attempt + 1, event.line())
        self.ledger.accepted[event.id] = event
        self._end()
