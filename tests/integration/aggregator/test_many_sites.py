"""Events of thousands of sites that anonymous clients invent."""

import json
import urllib.request

import pytest

from mostread.infra.clock import now_ms
from tests.support.system import Service, System, wait_until

ADDRESSES = [f"203.0.113.{number}" for number in range(10, 15)]
PER_REQUEST = 1000
HOUR_MS = 3_600_000
FAILED_LOOKUPS = 'mostread_aggregator_retries_total{dependency="clickhouse",work="counting"}'


def send(collector: Service, address: str) -> dict[str, int]:
    """Send views of as many sites, at minutes of the last 23 hours; return the response."""
    now = now_ms()
    events = [
        {
            "type": "view",
            "article_id": f"x{number}",
            "site": f"{address}-{number}",
            "id": f"{address}-{number}",
            "visitor": f"v{number}",
            "timestamp": now - number * 23 * HOUR_MS // PER_REQUEST,
        }
        for number in range(PER_REQUEST)
    ]
    request = urllib.request.Request(
        f"{collector.url}/v1/events",
        "\n".join(map(json.dumps, events)).encode(),
        {"User-Agent": "Mozilla/5.0 Firefox/140.0", "X-Forwarded-For": address},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        body: dict[str, int] = json.loads(response.read())
    return body


@pytest.mark.parametrize(("unlimited", "accepted"), [("", 100), ("203.0.113.0/24", PER_REQUEST)])
def test_views_of_invented_sites_are_counted_without_a_failed_lookup(
    system: System, unlimited: str, accepted: int
) -> None:
    collector = system.service(
        "collector",
        MOSTREAD_COLLECTOR_TRUSTED_PROXIES="127.0.0.1/32",
        MOSTREAD_COLLECTOR_RATE_LIMIT_EXEMPT_NETWORKS=unlimited,
    ).wait_ready()
    for address in ADDRESSES:
        body = send(collector, address)
        assert (body["accepted"], body["dropped"]) == (accepted, PER_REQUEST - accepted)
    # Started afterwards, the workers look up the counters of all sites at once.
    workers = [system.service("aggregator") for _ in range(2)]
    views = accepted * len(ADDRESSES)

    def counted() -> bool:
        outcomes = system.outcomes().values()
        return sum(each["received"] for each in outcomes) == views

    wait_until(counted, "every view is counted")
    totals = {
        site: numbers
        for counters in system.counters().values()
        for (site, grain, _, _), numbers in counters.items()
        if grain == "total"
    }
    sites = [f"{address}-{number}" for address in ADDRESSES for number in range(accepted)]
    assert totals == dict.fromkeys(sites, (1, 0, 0))
    for worker in workers:
        worker.wait_ready()
        assert worker.metric(FAILED_LOOKUPS) == 0
