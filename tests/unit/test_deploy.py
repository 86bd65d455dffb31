"""What Docker would be told, held against the code: no Docker is needed to find a slip."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from mostread.aggregator.settings import AggregatorSettings
from mostread.config import SERVICES
from mostread.local.kafka_jars import KAFKA_VERSION
from mostread.web.service import new_application
from tools import tool

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = sorted(SERVICES)
SERVING = sorted(SERVICES.keys() - {"init"})
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:\?[^}]+)\}")


def passed_to(service: str) -> dict[str, str]:
    """Return the environment of a container where .env holds what it must and no more."""
    return {
        name: VARIABLE.sub(lambda found: found["default"] or "", str(value))
        for name, value in CONTAINERS[service]["environment"].items()
    }


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    for name, value in passed_to(service).items():
        monkeypatch.setenv(name, value)
    return SERVICES[service]()


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


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


def test_it_does_not_start_without_a_password() -> None:
    for service in ("clickhouse", "init", "aggregator", "ranking"):
        values = "".join(str(value) for value in CONTAINERS[service]["environment"].values())
        assert "${MOSTREAD_CLICKHOUSE_PASSWORD:?" in values


@pytest.mark.parametrize("service", SERVING)
def test_a_service_listens_beyond_its_container_where_it_is_asked_after_its_health(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service, monkeypatch).model_dump()
    assert settings[f"{service}_host"] == "0.0.0.0"  # noqa: S104  inside a container
    address = re.search(
        r"http://127\.0\.0\.1:(\d+)(/\w+)", CONTAINERS[service]["healthcheck"]["test"][-1]
    )
    assert address
    assert int(address[1]) == settings[f"{service}_port"]
    application = new_application(checks={}, registry=CollectorRegistry())
    assert address[2] in {each.canonical for each in application.router.resources()}


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_no_container_may_more_than_it_needs(service: str) -> None:
    container = CONTAINERS[service]
    assert not container.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.get("read_only", False) or service in {"kafka", "clickhouse"}
    for port in container.get("ports", []):
        assert port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:")


def test_whatever_others_wait_for_can_be_waited_for() -> None:
    for container in CONTAINERS.values():
        for other, wait in container.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in CONTAINERS[other]
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert CONTAINERS[other]["restart"] != "unless-stopped"


def test_docker_waits_longer_than_an_orderly_stop_takes() -> None:
    grace = {name: seconds(CONTAINERS[name]["stop_grace_period"]) for name in SERVING}
    assert grace["aggregator"] > AggregatorSettings().aggregator_stop_seconds
    # web/service.py lets requests under way take 30 s.
    assert min(grace.values()) > 30


def test_kafka_is_the_one_that_the_tests_run_on() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_image_is_built_from_pinned_packages_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    installs = [part for part in re.split(r"&&|\nRUN", dockerfile) if " install " in part]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)
    assert re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE)[-1] != "0"
    assert 'ENTRYPOINT ["mostread"]' in dockerfile


def test_the_image_is_given_all_that_it_copies() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copies = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    assert {name for copy in copies for name in copy.split()} == let_in


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    check = [tool("hadolint"), str(ROOT / "deploy/Dockerfile")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_prometheus_accepts_its_configuration() -> None:
    check = [tool("promtool"), "check", "config", str(ROOT / "deploy/prometheus/prometheus.yml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_asks_each_service_on_its_port() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"] for job in jobs}
    assert asked == {name: SERVICES[name].model_fields[f"{name}_port"].default for name in SERVING}
