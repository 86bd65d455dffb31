"""docker-compose.yml and Prometheus's configuration agree with the code; no Docker needed."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
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
from mostread.infra.settings import variable
from mostread.ops.effective_settings import SERVICES
from tests.support.commands import check_parses
from tests.support.compose import (
    COMPOSE,
    CONTAINERS,
    FILE,
    ROOT,
    SECRETS,
    VARIABLE,
    create_secrets,
    in_bytes,
    interpolated,
    passed_to,
    seconds,
)
from tests.support.tools import tool

SERVICE_NAMES = sorted(SERVICES.keys() - {"up"})  # not a container
SERVING = sorted({*SERVICE_NAMES} - {"init"})


# The settings of the commands that they run.
MAINTENANCE = {"operator": AggregatorSettings, "backup": AggregatorSettings}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    create_secrets(folder)
    return folder


def settings_of(service: str, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    for name, value in passed_to(service).items():
        monkeypatch.setenv(name, value.replace(SECRETS, str(secrets)))
    return (SERVICES | MAINTENANCE)[service]()


def test_compose_file_matches_the_compose_schema() -> None:
    check = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", [*SERVICE_NAMES, *MAINTENANCE])
def test_container_environment_contains_only_valid_settings(
    service: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (SERVICES | MAINTENANCE)[service]
    files = {f"{variable(name)}_FILE" for name in settings.secret_names()}
    assert passed_to(service).keys() <= {variable(name) for name in settings.model_fields} | files
    settings_of(service, secrets, monkeypatch)


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_container_gets_exactly_the_secrets_that_it_reads(service: str) -> None:
    container = CONTAINERS[service]
    text = str([container.get(part) for part in ("environment", "command")])
    read = set(re.findall(rf"{SECRETS}/([\w-]+)", text)) - {"clickhouse"}
    if service == "grants":
        read = {f"clickhouse-{name}" for name in re.findall(r"hash (\w+)", text)}
    assert set(container.get("secrets", [])) == read
    assert read <= FILE["secrets"].keys()


@pytest.mark.parametrize("service", [*SERVICE_NAMES, *MAINTENANCE])
def test_container_runs_a_command_that_exists(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_parses(CONTAINERS[service]["command"])


def test_script_creates_every_secret_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    create_secrets(folder)
    created = {file.name: file.read_text() for file in folder.iterdir()}
    assert {f"./secrets/{name}" for name in created} == {
        secret["file"] for secret in FILE["secrets"].values()
    }
    assert len(set(created.values())) == len(created)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in created.values())
    # Compose mounts each file with its own rights, for users other than this one.
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o444}
    (folder / "grafana").unlink()
    create_secrets(folder)
    assert (folder / "grafana").read_text() not in created.values()
    del created["grafana"]
    assert all((folder / name).read_text() == value for name, value in created.items())


def test_each_container_has_its_own_user_of_clickhouse() -> None:
    users = {
        name: user
        for name, container in CONTAINERS.items()
        if (user := container.get("environment", {}).get("MOSTREAD_CLICKHOUSE_USER"))
    }
    assert users == {
        "init": "mostread_init",
        "aggregator": "mostread_aggregator",
        "ranking": "mostread_ranking",
        "operator": "mostread_operator",
        "backup": "mostread_operator",
    }
    grants = (ROOT / "deploy/clickhouse/grants.sql").read_text()
    script = " ".join(CONTAINERS["grants"]["command"])
    created = set(re.findall(r"BY \{(\w+):String\}", grants))
    assert set(re.findall(r"--param_(\w+)=", script)) == created
    assert {user.removeprefix("mostread_") for user in users.values()} <= created


def test_grants_hash_the_passwords_that_services_send(secrets: Path) -> None:
    script = CONTAINERS["grants"]["command"][0].replace("$$", "$").replace(SECRETS, str(secrets))
    definition, _, rest = script.partition("exec ")
    expanded = subprocess.run(
        ["sh", "-euc", f"{definition} printf '%s\n' {rest}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("init", "aggregator", "ranking", "operator", "analyst"):
        password = (secrets / f"clickhouse-{name}").read_bytes()
        assert f"--param_{name}={hashlib.sha256(password).hexdigest()}\n" in expanded


def test_administrator_of_clickhouse_connects_from_its_container_only() -> None:
    users = ElementTree.parse(ROOT / "deploy/clickhouse/users.xml").getroot()
    networks = users.find("users/default/networks")
    assert networks is not None
    assert networks.get("replace") == "replace"
    assert {address.text for address in networks} == {"127.0.0.1", "::1"}
    assert CONTAINERS["grants"]["network_mode"] == "service:clickhouse"
    assert "CLICKHOUSE_USER" not in CONTAINERS["clickhouse"]["environment"]


def test_health_check_of_kafka_has_a_heap_that_fits_beside_the_broker() -> None:
    kafka = CONTAINERS["kafka"]
    heaps = [
        int(match)
        for text in (kafka["environment"]["KAFKA_HEAP_OPTS"], kafka["healthcheck"]["test"][1])
        for match in re.findall(r"-Xmx(\d+)m", text)
    ]
    assert len(heaps) == 2
    # A JVM takes about 200 MB beside its heap.
    assert sum(heaps) + 2 * 200 <= in_bytes(kafka["mem_limit"]) >> 20


def test_env_example_lists_every_compose_variable() -> None:
    listed = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == {match["name"] for match in VARIABLE.finditer(COMPOSE.read_text())}


def waits_for(container: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    waits = container.get("depends_on", {})
    if isinstance(waits, list):
        waits = {other: {"condition": "service_started"} for other in waits}
    yield from waits.items()


def test_compose_requires_sites_and_its_example_counts_events_without_one() -> None:
    assert "${MOSTREAD_COLLECTOR_SITES:?" in str(CONTAINERS["collector"]["environment"])
    example = (ROOT / ".env.example").read_text()
    assert re.findall(r"^MOSTREAD_COLLECTOR_SITES=(.*)", example, re.MULTILINE) == [DEFAULT_SITE]


@pytest.mark.parametrize("service", SERVING)
def test_service_listens_on_its_published_port(
    service: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service, secrets, monkeypatch).model_dump()
    assert settings[f"{service}_host"] == "0.0.0.0"  # noqa: S104  inside a container
    assert settings[f"{service}_port"] == healthcheck.PORTS[service]
    for port in CONTAINERS[service].get("ports", []):
        assert port.endswith(f":{healthcheck.PORTS[service]}:{healthcheck.PORTS[service]}")


@pytest.mark.parametrize("service", sorted(CONTAINERS))
def test_container_has_minimal_privileges(service: str) -> None:
    container = CONTAINERS[service]
    assert not container.keys() & {"privileged", "pid", "ipc", "devices"}
    # The image of Caddy gives its program this capability, without which it does not start.
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if service == "proxy" else [])
    assert container.get("network_mode", "service:").startswith("service:")
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.get("read_only", False) or service in {"kafka", "clickhouse"}
    for port in container.get("ports", []):
        assert port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:") or service == "proxy"


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
    limits = [
        in_bytes(interpolated(container["mem_limit"]))
        for container in CONTAINERS.values()
        if container["restart"] == "unless-stopped"  # the others end
    ]
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
    for service in ("clickhouse", "grants"):
        assert CONTAINERS[service]["image"] == f"clickhouse/clickhouse-server:{major}.{minor}"


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
