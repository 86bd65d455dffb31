"""The text of the Dockerfile; tests/integration/repository/test_image.py builds the image."""

import re
import subprocess

import pytest

from mostread.infra.healthcheck import PORTS, port_of
from mostread.ops.effective_settings import SERVICES
from tests.support.http import operational_paths
from tests.support.image import DOCKERFILE, ROOT, instructions
from tests.support.tools import tool

STEPS = list(instructions(DOCKERFILE.read_text()))
FINAL = STEPS[max(at for at, step in enumerate(STEPS) if step.name == "FROM") :]


def arguments_of(name: str) -> list[str]:
    return [step.rest for step in STEPS if step.name == name]


def test_packages_are_pinned_with_hashes() -> None:
    parts = [part for step in arguments_of("RUN") for part in step.split("&&")]
    installs = [part for part in parts if "pip" in part and " install " in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_base_image_names_python_and_debian_versions() -> None:
    (base,) = {base for base in arguments_of("FROM") if not base.startswith("base")}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm AS base", base)


def test_image_runs_as_numeric_non_root_user() -> None:
    (user,) = arguments_of("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert FINAL[-1].name == "ENTRYPOINT"
    assert arguments_of("ENTRYPOINT") == ['["mostread"]']


def test_last_stage_copies_only_the_installation() -> None:
    assert [step.rest for step in FINAL if step.name == "COPY"] == ["--from=build /venv /venv"]


def test_build_context_contains_every_copied_file() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copies = [
        words.split()[:-1] for words in arguments_of("COPY") if not words.startswith("--from")
    ]
    assert {name for copy in copies for name in copy} == let_in


def test_hadolint_finds_nothing() -> None:
    check = [tool("hadolint"), str(DOCKERFILE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_health_check_covers_the_ports_of_all_services() -> None:
    ports = {
        name: settings.model_fields[f"{name}_port"].default
        for name, settings in SERVICES.items()
        if f"{name}_port" in settings.model_fields
    }
    assert ports == PORTS
    assert arguments_of("EXPOSE") == [" ".join(str(port) for port in sorted(PORTS.values()))]
    (check,) = arguments_of("HEALTHCHECK")
    assert check.endswith('CMD ["python", "-m", "mostread.infra.healthcheck"]')
    assert "/readyz" in operational_paths()


@pytest.mark.parametrize(
    ("command", "environment", "port"),
    [
        ("/venv/bin/python /venv/bin/mostread collector", {}, 8081),
        ("/venv/bin/python /venv/bin/mostread ranking", {"MOSTREAD_RANKING_PORT": "80"}, 80),
        ("/sbin/docker-init -- mostread aggregator", {"MOSTREAD_RANKING_PORT": "80"}, 8082),
        ("/venv/bin/python /venv/bin/mostread audit --since 24h", {}, None),
    ],
)
def test_health_check_identifies_the_service_by_command(
    command: str, environment: dict[str, str], port: int | None
) -> None:
    assert port_of(command.split(), environment) == port
