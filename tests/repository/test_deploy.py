"""What Docker would be told, held against the code: no Docker is needed to find a slip."""

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
from mostread.devstack.servers.kafka_download import KAFKA_VERSION
from mostread.infra import healthcheck as healthy
from mostread.ops.effective_settings import SERVICES
from tests.support.compose import (
    COMPOSE,
    CONTAINERS,
    ROOT,
    VARIABLE,
    in_bytes,
    passed_to,
    said,
    seconds,
)
from tests.support.tools import tool

OURS = sorted(SERVICES.keys() - {"up"})  # which no container runs
SERVING = sorted({*OURS} - {"init"})


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    for name, value in passed_to(service).items():
        monkeypatch.setenv(name, value)
    return SERVICES[service]()


def test_the_file_is_what_compose_understands() -> None:
    check = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", OURS)
def test_every_setting_passed_exists_and_is_allowed(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = SERVICES[service].model_fields
    known = {f"MOSTREAD_{name.upper()}" for name in fields}
    assert passed_to(service).keys() <= known
    settings_of(service, monkeypatch)


def test_every_line_of_the_example_is_used() -> None:
    offered = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert offered == {found["name"] for found in VARIABLE.finditer(COMPOSE.read_text())}


def waits_for(container: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    waits = container.get("depends_on", {})
    if isinstance(waits, list):
        waits = {other: {"condition": "service_started"} for other in waits}
    yield from waits.items()


def test_it_does_not_start_without_a_password() -> None:
    assert "${GRAFANA_PASSWORD:?" in str(CONTAINERS["grafana"]["environment"])
    for service in ("clickhouse", "init", "aggregator", "ranking"):
        values = "".join(str(value) for value in CONTAINERS[service]["environment"].values())
        assert "${MOSTREAD_CLICKHOUSE_PASSWORD:?" in values


@pytest.mark.parametrize("service", SERVING)
def test_a_service_listens_beyond_its_container_on_the_port_that_is_published(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service, monkeypatch).model_dump()
    assert settings[f"{service}_host"] == "0.0.0.0"  # noqa: S104  inside a container
    assert settings[f"{service}_port"] == healthy.PORTS[service]
    for port in CONTAINERS[service].get("ports", []):
        assert port.endswith(f":{healthy.PORTS[service]}:{healthy.PORTS[service]}")


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_no_container_may_more_than_it_needs(service: str) -> None:
    container = CONTAINERS[service]
    assert not container.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.get("read_only", False) or service in {"kafka", "clickhouse"}
    for port in container.get("ports", []):
        assert port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:")


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_no_container_may_take_all_that_the_host_has(service: str) -> None:
    limits = {name: said(CONTAINERS[service][name]) for name in ("cpus", "mem_limit", "pids_limit")}
    # Docker refuses to start what may use more cores than there are.
    assert float(limits["cpus"]) <= 2
    assert 128 << 20 <= in_bytes(limits["mem_limit"]) <= 3 << 30
    assert int(limits["pids_limit"]) > 0


def test_all_containers_together_fit_the_host_that_the_document_asks_for() -> None:
    limits = [in_bytes(said(container["mem_limit"])) for container in CONTAINERS.values()]
    assert sum(limits) <= 8 << 30


def test_what_is_mounted_is_there() -> None:
    for container in CONTAINERS.values():
        for volume in container.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{source} is mounted and does not exist"


def test_every_volume_is_used_and_declared() -> None:
    used = {
        volume.partition(":")[0]
        for container in CONTAINERS.values()
        for volume in container.get("volumes", [])
        if not volume.startswith(".")
    }
    assert used == yaml.safe_load(COMPOSE.read_text())["volumes"].keys()


def test_clickhouse_is_the_one_that_the_tests_run_on() -> None:
    major, minor, *_ = chdb.engine_version.split(".")
    assert CONTAINERS["clickhouse"]["image"] == f"clickhouse/clickhouse-server:{major}.{minor}"


def test_whatever_others_wait_for_can_be_waited_for() -> None:
    for container in CONTAINERS.values():
        for other, wait in waits_for(container):
            if wait["condition"] == "service_healthy":
                assert "test" in CONTAINERS[other]["healthcheck"]
            elif wait["condition"] == "service_completed_successfully":
                assert CONTAINERS[other]["restart"] != "unless-stopped"
            else:
                assert wait["condition"] == "service_started"
                assert other in CONTAINERS


def test_docker_waits_longer_than_an_orderly_stop_takes() -> None:
    grace = {name: seconds(CONTAINERS[name]["stop_grace_period"]) for name in SERVING}
    assert grace["aggregator"] > AggregatorSettings().aggregator_shutdown_timeout_seconds
    # web/service.py lets requests under way take 30 s.
    assert min(grace.values()) > 30


def test_kafka_is_the_one_that_the_tests_run_on() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_prometheus_accepts_its_configuration() -> None:
    check = [tool("promtool"), "check", "config", str(ROOT / "deploy/prometheus/prometheus.yml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_asks_each_service_on_its_port() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"] for job in jobs}
    exposed = ElementTree.parse(ROOT / "deploy/clickhouse/metrics.xml").findtext("prometheus/port")
    assert asked.pop("clickhouse") == int(exposed or 0)
    assert asked == {name: SERVICES[name].model_fields[f"{name}_port"].default for name in SERVING}
