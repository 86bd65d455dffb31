"""docker-compose.yml as Docker reads it, with a minimal .env."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
FILE: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
CONTAINERS: dict[str, dict[str, Any]] = FILE["services"]
SECRETS = "/run/secrets"
"""The folder where a container sees its secrets."""
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:[?+][^}]+)\}")


def interpolated(value: object) -> str:
    """Return a value with its variables replaced."""
    return VARIABLE.sub(lambda match: match["default"] or "", str(value))


def passed_to(container: str) -> dict[str, str]:
    """Return the environment of a container."""
    return {
        name: interpolated(value) for name, value in CONTAINERS[container]["environment"].items()
    }


def create_secrets(folder: Path) -> None:
    """Create all secrets in a folder, as the guide does."""
    subprocess.run([ROOT / "deploy/secrets.sh", folder], check=True)


def in_bytes(amount: str) -> int:
    return int(amount[:-1]) << {"m": 20, "g": 30}[amount[-1]]


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]
