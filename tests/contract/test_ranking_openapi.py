"""Responses of the running ranking service match schemas/ranking.openapi.yaml."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import jsonschema
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.schemas import openapi
from tests.support.ranking import EDITOR, EDITORS, FIRST, Counted
from tests.support.servers import free_ports

DATABASE = "test_ranking_openapi"

# The stream does not end, so it has a separate test.
schema = schemathesis.openapi.from_dict(openapi("ranking")).exclude(path="/v1/stream")
schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(available_timezones())))
schemathesis.openapi.format(
    "article-id", st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=128)
)
schemathesis.openapi.format(
    "recent-moment",
    st.integers(0, 3000).map(
        lambda minutes: (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
    ),
)


@pytest.fixture(scope="module")
def running(clickhouse: LocalClickHouse) -> Iterator[str]:
    """The URL of a ranking service with one article."""
    count_one_article(
        ClickHouseSettings(clickhouse_url=clickhouse.url, clickhouse_database=DATABASE)
    )
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "mostread", "ranking"],
        env={
            **os.environ,
            "MOSTREAD_CLICKHOUSE_URL": clickhouse.url,
            "MOSTREAD_CLICKHOUSE_DATABASE": DATABASE,
            "MOSTREAD_RANKING_PORT": str(port),
            "MOSTREAD_RANKING_TOKENS": EDITORS,
        },
    )
    try:
        wait_until_ready(url)
        yield url
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


def count_one_article(settings: ClickHouseSettings) -> None:
    migrate(settings)
    client = connect(settings)
    counted = Counted(client, "default")
    now = datetime.now(UTC)
    counted.article("news/4711", title="⚡", section="Город", published_at=now, language="ru")
    counted.event("news/4711", now, views=3, comments=1)
    counted.write()
    counted.decision("news/4711", hidden=False, reason="<b>", expires_at=now + timedelta(days=1))
    counted.decision("news/4711", version=2, pinned=1, undoes=1)
    counted.exclusion("news/4711", "add", applied_at=0)
    counted.exclusion("", "add", visitor="v")
    counted.progress(now, 0, 1, FIRST)
    client.close()


def wait_until_ready(url: str) -> None:
    """Wait until it is ready, up to the time limit of the test."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/readyz").close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return


def test_document_is_valid_openapi() -> None:
    validate(openapi("ranking"))


def examples() -> list[Any]:
    """Return each example of a response body with its schema."""
    document = openapi("ranking")
    operations = [
        operation
        for path in document["paths"].values()
        for name, operation in path.items()
        if name != "parameters"
    ]
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    bodies = [
        body
        for answer in (*answers, *document["components"]["responses"].values())
        for body in answer.get("content", {}).values()
        if "example" in body
    ]
    return [pytest.param(body, id=str(body["example"])[:40]) for body in bodies]


@pytest.mark.parametrize("body", examples())
def test_examples_match_their_schemas(body: dict[str, Any]) -> None:
    # References in a schema point into the document.
    jsonschema.Draft202012Validator(
        {**body["schema"], "components": openapi("ranking")["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(body["example"])


# No deadline: the first request for a list computes it.
@schema.parametrize()  # type: ignore[untyped-decorator]  # schemathesis is not followed
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_responses_match_document(case: schemathesis.Case, running: str) -> None:
    # A schema cannot express that a cursor or link was given by the service, that times are in
    # order and stored, that a list without some articles has no cursor.
    beyond = {"cursor", "exclude", "from", "to", "compare"} & (
        case.query or {}
    ).keys() or case.path.endswith(("/series", "/share/{link}"))
    # Schemathesis itself tries the log without a token and with a wrong one.
    headers = EDITOR if case.path.endswith(("/placements", "/placement", "/most-read")) else None
    case.call_and_validate(
        base_url=running,
        headers=headers,
        excluded_checks=[positive_data_acceptance] if beyond else [],
    )


def test_stream_events_match_document(running: str) -> None:
    validator = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/MostRead", "components": openapi("ranking")["components"]}
    )
    with urllib.request.urlopen(f"{running}/v1/stream?explain=1") as answer:
        fields = {"event": b""}
        while fields.get("event") != b"list\n":
            fields = {}
            while (line := answer.readline()) != b"\n":
                name, _, value = line.partition(b": ")
                fields[name.decode()] = value
        validator.validate(orjson.loads(fields["data"]))
