"""SQL lies in files named after the method that runs them."""

from functools import cache
from pathlib import Path


@cache
def read_sql(directory: Path, name: str) -> str:
    """Return the text of `<directory>/<name>.sql`, read once."""
    return (directory / f"{name}.sql").read_text(encoding="utf-8")
