"""Where the contracts lie: beside the package in a wheel, at the repository's top in a checkout."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).parent
DIRECTORY = next(
    path for path in (_PACKAGE / "_schemas", _PACKAGE.parents[1] / "schemas") if path.is_dir()
)


@cache
def openapi(service: str) -> dict[str, Any]:
    """Return the OpenAPI document of `collector` or `ranking`."""
    text = (DIRECTORY / f"{service}.openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def migrations() -> list[Path]:
    """Return the numbered SQL files of ClickHouse, in the order they apply."""
    return sorted((DIRECTORY / "clickhouse").glob("[0-9][0-9][0-9][0-9]_*.sql"))
