"""The running collector conforms to schemas/collector.openapi.yaml."""

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
    """Encode NDJSON, which is a string in the document; send other values as JSON."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def running(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector")) as collector:
        yield collector


def test_document_is_valid_openapi() -> None:
    validate(openapi("collector"))


# Every response waits a few milliseconds for Kafka, so examples have no deadline.
@schema.parametrize()  # type: ignore[untyped-decorator]  # schemathesis is not followed
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_response_is_documented(case: schemathesis.Case, running: Collecting) -> None:
    role = "emit"
    if "placement" in case.path:
        role = "editor"
    elif any(name in case.path for name in ("articles", "aliases", "sites")):
        role = "cms"
    case.call_and_validate(
        base_url=running.url,
        headers={"Authorization": f"Bearer {TOKENS[role]}"},
        # The document cannot express all rules for bodies: NDJSON is any string in it, and the ids
        # of an article's body must equal those of the path.
        excluded_checks=[
            schemathesis.checks.CHECKS.get_one("positive_data_acceptance"),
            schemathesis.checks.CHECKS.get_one("negative_data_rejection"),
            schemathesis.checks.CHECKS.get_one("ignored_auth"),
            schemathesis.checks.CHECKS.get_one("missing_required_header"),
        ],
    )
