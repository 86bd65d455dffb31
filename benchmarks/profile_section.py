"""Profile aggregator and collector by stage."""

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import collectors, http_load, mostread_aggregator, profile
from benchmarks.collectors import Collector
from benchmarks.contestant import Servers
from benchmarks.log import Load, delete, fill
from benchmarks.profile import Profile, Stages
from benchmarks.run import Results, Scale
from benchmarks.table import table

NO_PY_SPY = (
    "Not measured: it needs `py-spy` (`.venv/bin/pip install py-spy`) and `wrk` "
    "(on Debian: `apt-get install wrk`)."
)
_FETCHING = (
    "aiokafka/",
    "mostread/aggregator/stream/fetcher.py",
    "asyncio/selector_events.py",
    "asyncio/streams.py",
    "selectors.py",
)
_COUNTING = "mostread/core/counting/"
AGGREGATOR: Stages = {
    "fetching: aiokafka and sockets": _FETCHING,
    "stream: Faust": ("faust/", "mode/", "mostread/aggregator/stream/fast_transport.py"),
    "decoding": ("mostread/core/records.py",),
    "duplicates": (f"{_COUNTING}dedup.py",),
    "visitor sketches": (f"{_COUNTING}visitor_sketch.py",),
    "counting": (_COUNTING,),
    "ClickHouse: inserts and lookups": (
        "mostread/aggregator/repository.py",
        "clickhouse_connect/",
    ),
    "flushes": ("mostread/aggregator/",),
}
COLLECTOR: Stages = {
    "HTTP: Granian": ("granian/", "mostread/infra/http/"),
    "decoding and validation": (
        "mostread/collector/pipeline/decoder.py",
        "mostread/collector/pipeline/strict_decoder.py",
        "mostread/collector/pipeline/event.py",
    ),
    "filters and enrichment": ("mostread/collector/pipeline/",),
    "partitioning, encoding, batching": ("mostread/collector/delivery/delivery.py",),
    "producing: kafka-python": ("mostread/collector/delivery/", "kafka/"),
    "responses and metrics": ("mostread/", "prometheus_client/"),
}


def section(servers: Servers, scale: Scale) -> Results:
    """Profile both services."""
    if profile.missing() or http_load.missing():
        return Results(NO_PY_SPY)
    aggregator = {
        name: _aggregator(servers, load)
        for name, load in {
            "1 per record": Load(scale.events // 3, 1),
            "100 per record": Load(scale.events, 100),
            "1,000,000 articles evenly": Load(scale.events // 3, articles=1_000_000, even=True),
        }.items()
    }
    collector = {
        f"{each.events_per_request} per request": _collector(servers, each, scale.seconds)
        for each in collectors.MOSTREAD_COLLECTORS
    }
    return Results(f"{_table('aggregator', aggregator)}\n\n{_table('collector', collector)}")


def _aggregator(servers: Servers, load: Load) -> dict[str, float]:
    log = fill(servers.brokers, load)
    run = functools.partial(mostread_aggregator.run, servers, log)
    with tempfile.TemporaryDirectory() as directory:
        samples = Profile(Path(directory, "samples"))
        run(sampler=samples.of)
    delete(log)
    return profile.shares(samples.samples, AGGREGATOR)


def _collector(servers: Servers, collector: Collector, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        samples = Profile(Path(directory, "samples"))
        collectors.measure(servers, collector, seconds, sampler=samples.of)
    return profile.shares(samples.samples, COLLECTOR)


def _table(service: str, shares: Mapping[str, Mapping[str, float]]) -> str:
    stages = next(iter(shares.values()))
    rows = [[stage, *(f"{each[stage]:.0f}" for each in shares.values())] for stage in stages]
    return table([f"{service}, % of its processor time", *shares], rows)
