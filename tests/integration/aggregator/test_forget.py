"""Forgetting sites and articles, with workers, restarts, imports, audits and rebuilds."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from mostread.cli.main import mostread
from mostread.core.control import encode_forget
from mostread.infra.clickhouse.client import connect
from mostread.ops.imports.repository import Import, ImportRepository
from tests.faults.log import delete_records, ends, produce, produce_to
from tests.faults.verdict import is_counted
from tests.support.system import Service, System, wait_until

COUNTERS = (
    "SELECT site, article_id, sum(views) FROM counter_versions FINAL"
    " WHERE grain = '{}' GROUP BY site, article_id HAVING sum(views) != 0"
)
ZEROS = "SELECT count() FROM counter_versions FINAL WHERE views = 0 AND comments = 0 AND likes = 0"
OLD_ROWS = (
    "SELECT count() FROM counter_versions WHERE article_id = 'a' AND site = 'news' AND views > 0"
)
DESCRIBED = (
    "SELECT (SELECT count() FROM article_versions) + (SELECT count() FROM placement_versions)"
    " + (SELECT count() FROM placement_log)"
)
PARTITIONS = 4


@pytest.fixture
def worker(system: System) -> Iterator[Service]:
    worker = system.service("aggregator").wait_ready()
    yield worker
    assert worker.wait_ready().stop() == 0


def run(system: System, *arguments: str, answer: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(mostread, arguments, env=system.environment, input=answer)


def audited(system: System) -> str:
    result = run(system, "audit")
    assert result.exit_code == 0, result.output
    return result.output


def query(system: System, sql: str) -> list[tuple[object, ...]]:
    with closing(connect(system.clickhouse)) as client:
        return [tuple(row) for row in client.query(sql).result_rows]


def views(system: System, grain: str = "total") -> dict[tuple[object, object], object]:
    return {(site, article): n for site, article, n in query(system, COUNTERS.format(grain))}


def read(system: System, *articles: tuple[str, str], repeated: int = 1) -> None:
    """Write views, by site and article, and wait until they are counted."""
    events = [
        (article, json.dumps({"type": "view", "site": site, "article_id": article}).encode())
        for site, article in articles
    ]
    produce(system, events * repeated)
    wait_until(lambda: is_counted(system), "all is counted")


def describe(system: System, *records: tuple[bytes, bytes | None]) -> None:
    """Write records into the articles topic."""
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)
    for key, value in records:
        producer.send(system.kafka.articles_topic, key=key, value=value).get(30)
    producer.close()


def import_totals(system: System, site: str, article: str, number: int) -> None:
    block: dict[str, list[object]] = {
        "site": [site],
        "grain": ["total"],
        "window": [0],
        "article_id": [article],
        "views": [number],
        "comments": [0],
        "likes": [0],
    }
    with closing(ImportRepository(system.clickhouse)) as imports:
        imports.add(Import("old", "0" * 64, 1, number, 0, 0), [block], now=1)


def test_forgotten_article_counts_from_zero_in_every_reader_of_the_log(
    system: System, worker: Service, tmp_path: Path
) -> None:
    read(system, ("news", "a"), ("news", "b"), ("sport", "a"), repeated=3)
    import_totals(system, "news", "a", 1000)
    describe(
        system,
        (b"article:news:a", b'{"article_id":"a","site":"news","title":"A"}'),
        (b"feed:news:a", b'{"article_id":"a","site":"news","title":"A"}'),
        (b"placement:news:a", b'{"article_id":"a","site":"news","hidden":true,"by":"eva"}'),
    )
    described = "SELECT count() FROM placement_versions WHERE article_id = 'a' AND hidden"
    wait_until(lambda: query(system, described) == [(1,)], "the decision is stored")

    result = run(system, "forget", "--site", "news", "--article", "a", answer="y\n")
    assert result.exit_code == 0, result.output
    assert "'a' of the site news has 1,003 views, 0 comments and 0 likes" in result.output
    assert "the description; 1 editorial decisions" in result.output
    assert "forgotten: every partition has counted it" in result.output
    assert views(system) == {("news", "b"): 3, ("sport", "a"): 3}
    assert views(system, "minute") == views(system)
    assert query(system, OLD_ROWS) == [(0,)]
    wait_until(lambda: query(system, DESCRIBED) == [(0,)], "description and decision are gone")
    audited(system)

    # A worker that knows nothing of the forget finds the zeros.
    worker.kill()
    worker.start().wait_ready()
    read(system, ("news", "a"))
    expected = {("news", "a"): 1, ("news", "b"): 3, ("sport", "a"): 3}
    assert views(system) == views(system, "hour") == expected
    audited(system)

    result = run(system, "forget", "--site", "sport", "--yes")
    assert result.exit_code == 0, result.output
    assert "the site sport has 3 views, 0 comments and 0 likes of 1 articles" in result.output
    del expected["sport", "a"]
    assert views(system) == expected
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    options = ["--what", "events", "--format", "ndjson", "--from", today]
    result = run(system, "export", str(tmp_path / "out"), *options)
    assert result.exit_code == 0, result.output
    lines = "".join(each.read_text() for each in (tmp_path / "out").glob("events-*")).splitlines()
    exported = Counter((event["site"], event["article_id"]) for event in map(json.loads, lines))
    assert exported == expected, "the log still has the others"
    assert query(system, ZEROS) != [(0,)]
    result = run(system, "rebuild")
    assert result.exit_code == 0, result.output
    assert views(system) == expected
    assert query(system, ZEROS) == [(0,)]
    audited(system)

    listed = run(system, "forget", "--list").output.splitlines()
    assert len(listed) == 2
    assert "news: article 'a', by " in listed[0]
    assert "sport: all articles, by " in listed[1]
    assert all(line.endswith(f"counted by {PARTITIONS} partitions") for line in listed)


MUTATIONS = (
    "SELECT mutation_id FROM system.mutations WHERE database = currentDatabase() AND table IN"
    " ('counter_versions', 'visitor_sketches', 'article_versions')"
)


def test_many_forgets_are_few_deletions(system: System, worker: Service) -> None:
    articles = [f"a{number}" for number in range(60)]
    read(system, *(("news", each) for each in [*articles, "b"]), ("sport", "a0"), ("sport", "c"))
    assert worker.stop() == 0
    before = len(query(system, MUTATIONS))
    forgets = [encode_forget("news", each) for each in articles] + [encode_forget("sport")]
    for partition in range(PARTITIONS):
        for each in forgets:
            produce_to(system, partition, each)
    describe(system, *((f"forget:news:{each}".encode(), b"{}") for each in articles))
    worker.start().wait_ready()
    read(system, ("news", "a0"), ("sport", "c"))
    expected = {("news", "a0"): 1, ("news", "b"): 1, ("sport", "c"): 1}
    assert views(system) == views(system, "hour") == expected
    audited(system)
    # One for each table and batch, of which there may be several.
    assert len(query(system, MUTATIONS)) - before < len(articles)


def test_forget_names_counts_under_a_former_name_of_the_site(
    system: System, worker: Service
) -> None:
    read(system, ("news", "a"), ("sport", "a"), ("news", "b"))
    describe(system, (b"alias:sport:", b'{"site":"sport","alias_of":"news"}'))
    wait_until(lambda: query(system, "SELECT site FROM aliases") == [("sport",)], "it is renamed")
    for article, named in ("a", True), ("b", False):
        output = run(system, "forget", "--site", "news", "--article", article, answer="n\n").output
        assert ("forget them, too: a of the site sport" in output) is named


UNKNOWN = {
    ("--site", "nwes"): "nothing is stored about the site nwes; sites with views: news",
    ("--site", "news", "--article", "A"): "the site news has no article 'A'; check --article",
}


def test_rebuild_applies_forget_that_no_worker_has_counted_in_a_truncated_log(
    system: System, worker: Service
) -> None:
    read(system, ("news", "a"), ("news", "b"))
    for arguments, problem in UNKNOWN.items():
        assert problem in str(run(system, "forget", "--yes", *arguments).exception)
    import_totals(system, "news", "a", 1000)
    assert worker.stop() == 0
    before = ends(system)
    for partition in range(PARTITIONS):
        produce_to(system, partition, encode_forget("news", "a"))
        delete_records(system, partition, before=before[partition])
    produce(system, [("a", b'{"type":"view","site":"news","article_id":"a"}')] * 2)

    result = run(system, "rebuild")
    assert result.exit_code == 0, result.output
    expected = {("news", "a"): 2, ("news", "b"): 1}
    assert views(system) == expected
    assert len(query(system, "SELECT * FROM forgets FINAL")) == PARTITIONS
    worker.start().wait_ready()
    read(system, ("news", "a"))
    assert views(system) == {**expected, ("news", "a"): 3}
    audited(system)
