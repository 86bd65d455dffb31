"""An attack that is excluded under traffic, while a worker dies during the rebuild."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson

from tests.faults.fault import EVERYTHING, Fault
from tests.faults.log import produce
from tests.faults.rig import Mostread

_VIEWS, _COPIES = 300, 20


@contextmanager
def excluded(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Write views of an hour ago, some of them twice, and exclude them."""
    rig.wait_ready()
    start = int(time.time()) // 60 * 60_000 - 3_600_000
    article = f"attacked-{chance.getrandbits(32):x}"
    event = {"type": "view", "article_id": article, "timestamp": start}
    views = [{**event, "id": f"{n % _VIEWS}"} for n in range(_VIEWS + _COPIES)]
    produce(rig.system, [(article, orjson.dumps(view)) for view in views])
    rig.traffic.ledger.repeated += _COPIES
    excluding = _exclude(rig, article, start)
    worker = rig.workers.one(chance.randrange(9))
    rig.workers.kill(worker)
    yield
    rig.workers.start(worker)
    output, _ = excluding.communicate(timeout=120)
    assert excluding.returncode == 0, output


def _exclude(rig: Mostread, article: str, start: int) -> "subprocess.Popen[str]":
    """Exclude the minute from `start` (ms) on, and rebuild."""
    first, after = (
        f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"
        for ms in (start, start + 60_000)
    )
    command = f"exclude add --site default --from {first} --to {after} --reason attack --yes"
    return subprocess.Popen(
        [sys.executable, "-m", "mostread", *command.split(), "--article", article, "--rebuild"],
        env={**os.environ, **rig.system.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


FAULTS: list[Fault[Mostread]] = [
    Fault("an attack is excluded, and a worker ends by kill -9", EVERYTHING, (0, 2), excluded)
]
