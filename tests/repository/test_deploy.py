"""docker-compose.yml and Prometheus's configuration agree with the code; no Docker needed."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import chdb
import pytest
import yaml
from pydantic_settings import BaseSettings

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.pipeline.event import DEFAULT_SITE
from mostread.devstack.servers.kafka_download import KAFKA_VERSION
from mostread.infra import healthcheck
from mostread.ops.effective_settings import SERVICES
from tests.support.compose import (
    COMPOSE,
    CONTAINERS,
    ROOT,
    VARIABLE,
    in_bytes,
    interpolated,
    passed_to,
    seconds,
)
from tests.support.tools import tool

SERVICE_NAMES = sorted(SERVICES.keys() - {"up"})  # not a container
SERVING = sorted({*SERVICE_NAMES} - {"init"})


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    for name, value in passed_to(service).items():
        monkeypatch.setenv(name, value)
    return SERVICES[service]()


def test_compose_file_matches_the_compose_schema() -> None:
    check = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_container_environment_contains_only_valid_settings(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = SERVICES[service].model_fields
    known = {f"MOSTREAD_{name.upper()}" for name in fields}
    assert passed_to(service).keys() <= known
    settings_of(service, monkeypatch)


def test_env_example_lists_every_compose_variable() -> None:
    listed = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == {match["name"] for match in VARIABLE.finditer(COMPOSE.read_text())}


def waits_for(container: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    waits = container.get("depends_on", {})
    if isinstance(waits, list):
        waits = {other: {"condition": "service_started"} for other in waits}
    yield from waits.items()


def test_compose_requires_passwords() -> None:
    assert "${GRAFANA_PASSWORD:?" in str(CONTAINERS["grafana"]["environment"])
    for service in ("clickhouse", "init", "aggregator", "ranking"):
        values = "".join(str(value) for value in CONTAINERS[service]["environment"].values())
        assert "${MOSTREAD_CLICKHOUSE_PASSWORD:?" in values


def test_compose_requires_sites_and_its_example_counts_events_without_one() -> None:
    assert "${MOSTREAD_COLLECTOR_SITES:?" in str(CONTAINERS["collector"]["environment"])
    example = (ROOT / ".env.example").read_text()
    assert re.findall(r"^MOSTREAD_COLLECTOR_SITES=(.*)", example, re.MULTILINE) == [DEFAULT_SITE]


@pytest.mark.parametrize("service", SERVING)
def test_service_listens_on_its_published_port(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service, monkeypatch).model_dump()
    assert settings[f"{service}_host"] == "0.0.0.0"  # noqa: S104  inside a container
    assert settings[f"{service}_port"] == healthcheck.PORTS[service]
    for port in CONTAINERS[service].get("ports", []):
        assert port.endswith(f":{healthcheck.PORTS[service]}:{healthcheck.PORTS[service]}")


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_container_has_minimal_privileges(service: str) -> None:
    container = CONTAINERS[service]
    assert not container.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.get("read_only", False) or service in {"kafka", "clickhouse"}
    for port in container.get("ports", []):
        assert port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:")


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_container_has_resource_limits(service: str) -> None:
    limits = {
        name: interpolated(CONTAINERS[service][name])
        for name in ("cpus", "mem_limit", "pids_limit")
    }
    # Docker rejects a limit above the number of cores.
    assert float(limits["cpus"]) <= 2
    assert 128 << 20 <= in_bytes(limits["mem_limit"]) <= 3 << 30
    assert int(limits["pids_limit"]) > 0


def test_container_memory_limits_fit_the_documented_host() -> None:
    limits = [in_bytes(interpolated(container["mem_limit"])) for container in CONTAINERS.values()]
    assert sum(limits) <= 8 << 30


def test_mounted_files_exist() -> None:
    for container in CONTAINERS.values():
        for volume in container.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{source} is mounted and does not exist"


def test_declared_volumes_equal_mounted_volumes() -> None:
    used = {
        volume.partition(":")[0]
        for container in CONTAINERS.values()
        for volume in container.get("volumes", [])
        if not volume.startswith((".", "$"))
    }
    assert used == yaml.safe_load(COMPOSE.read_text())["volumes"].keys()


def test_clickhouse_image_has_the_version_of_chdb() -> None:
    major, minor, *_ = chdb.engine_version.split(".")
    assert CONTAINERS["clickhouse"]["image"] == f"clickhouse/clickhouse-server:{major}.{minor}"


def test_dependency_conditions_can_be_met() -> None:
    for container in CONTAINERS.values():
        for other, wait in waits_for(container):
            if wait["condition"] == "service_healthy":
                assert "test" in CONTAINERS[other]["healthcheck"]
            elif wait["condition"] == "service_completed_successfully":
                assert CONTAINERS[other]["restart"] != "unless-stopped"
            else:
                assert wait["condition"] == "service_started"
                assert other in CONTAINERS


def test_stop_grace_period_exceeds_the_shutdown_timeout() -> None:
    grace = {name: seconds(CONTAINERS[name]["stop_grace_period"]) for name in SERVING}
    assert grace["aggregator"] > AggregatorSettings().aggregator_shutdown_timeout_seconds
    # Services let requests in flight take 30 s.
    assert min(grace.values()) > 30


def test_kafka_image_has_the_tested_version() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_prometheus_accepts_its_configuration() -> None:
    check = [tool("promtool"), "check", "config", str(ROOT / "deploy/prometheus/prometheus.yml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_each_service_on_its_port() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    scraped = {
        job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"] for job in jobs
    }
    exposed = ElementTree.parse(ROOT / "deploy/clickhouse/metrics.xml").findtext("prometheus/port")
    assert scraped.pop("clickhouse") == int(exposed or 0)
    assert scraped == {
        name: SERVICES[name].model_fields[f"{name}_port"].default for name in SERVING
    }
