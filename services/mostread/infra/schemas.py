"""Files of the package's schemas/ directory: OpenAPI documents and SQL migrations."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[1] / "schemas"


@cache
def openapi(service: str) -> dict[str, Any]:
    """Return the OpenAPI document of `collector` or `ranking`."""
    text = (DIRECTORY / f"{service}.openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def migrations() -> list[Path]:
    """Return ClickHouse's numbered migrations in their order."""
    return sorted((DIRECTORY / "clickhouse").glob("[0-9][0-9][0-9][0-9]_*.sql"))
