"""The running collector answers as schemas/collector.openapi.yaml says, whatever is asked."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.schemas import openapi
from tests.support.collector import TOKENS, Collecting, collecting

schema = schemathesis.openapi.from_dict(openapi("collector"))


@schemathesis.serializer("application/x-ndjson")  # type: ignore[untyped-decorator]
def lines(_: object, value: object) -> bytes:
    """NDJSON is text to the document; what is no text is sent as its JSON."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def running(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector")) as collector:
        yield collector


def test_the_document_is_openapi() -> None:
    validate(openapi("collector"))


# Kafka takes a few milliseconds for each answer, and a test of every answer has no deadline.
@schema.parametrize()  # type: ignore[untyped-decorator]  # schemathesis is not followed
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_documented(case: schemathesis.Case, running: Collecting) -> None:
    role = "emit"
    if "articles" in case.path:
        role = "editor" if "placement" in case.path else "cms"
    case.call_and_validate(
        base_url=running.url,
        headers={"Authorization": f"Bearer {TOKENS[role]}"},
        # Some bodies that the document calls valid or invalid are the other by its prose only:
        # NDJSON is any text to it, and an object of an article's fields may contradict the path.
        excluded_checks=[
            schemathesis.checks.CHECKS.get_one("positive_data_acceptance"),
            schemathesis.checks.CHECKS.get_one("negative_data_rejection"),
            schemathesis.checks.CHECKS.get_one("ignored_auth"),
            schemathesis.checks.CHECKS.get_one("missing_required_header"),
        ],
    )
