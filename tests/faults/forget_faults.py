"""Forgets under traffic, alone and during faults of workers and of ClickHouse."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from mostread.core.control import ALL_ARTICLES, encode_forget
from tests.faults.fault import Fault, Part
from tests.faults.log import produce_to, topic_of
from tests.faults.rig import Mostread
from tests.faults.traffic import ARTICLE

PARTS = frozenset({Part.KAFKA, Part.COLLECTORS})
"""Parts whose faults keep requests from being answered, or the forget from being written."""

ARTICLES = [f"{ARTICLE}{number}" for number in (1, 2, 3)]
"""Articles with most of the traffic."""


def forget(rig: Mostread, article_id: str) -> None:
    """Forget an article, or all of them, and enter that in the ledger.

    Nothing is under way meanwhile, so each accepted event comes before the forget in its partition.
    A copy that a collector still holds is a duplicate when it arrives.
    """
    rig.traffic.pause()
    for partition in range(topic_of(rig.system).partitions):
        produce_to(rig.system, partition, encode_forget("default", article_id))
    rig.traffic.ledger.forget(article_id)
    rig.traffic.go_on()


@contextmanager
def article_forgotten(rig: Mostread, chance: random.Random) -> Iterator[None]:
    forget(rig, chance.choice(ARTICLES))
    yield


@contextmanager
def site_forgotten(rig: Mostread, _: random.Random) -> Iterator[None]:
    forget(rig, ALL_ARTICLES)
    yield


@contextmanager
def forgotten_twice(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Forget an article and at once the site, often within one flush."""
    forget(rig, chance.choice(ARTICLES))
    forget(rig, ALL_ARTICLES)
    yield


FAULTS: list[Fault[Mostread]] = [
    Fault("an article is forgotten", PARTS, (0, 1), article_forgotten),
    Fault("the site is forgotten", PARTS, (0, 1), site_forgotten),
    Fault("an article and the site are forgotten", PARTS, (0, 1), forgotten_twice),
]
