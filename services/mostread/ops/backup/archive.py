"""Backup directories: table files and a manifest with their checksums."""

import gzip
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mostread.errors import InvalidFile, Misconfigured

MANIFEST = "backup.json"


class TableFile(msgspec.Struct, frozen=True):
    """Rows of one table in ClickHouse's Native format, gzipped."""

    table: str
    name: str
    columns: tuple[str, ...]
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Contents of a backup, written last: a directory without it is not a complete backup.

    `files` are in the order in which they were read; `created_at` is ISO 8601.
    """

    created_at: str
    database: str
    migrations: dict[int, str]
    files: tuple[TableFile, ...]


def create_directory(directory: Path) -> None:
    """Create a directory unless it exists and is empty. Raises Misconfigured."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Misconfigured(
            f"{directory} is not an empty directory; choose another one for the backup"
        )
    directory.mkdir(parents=True, exist_ok=True)


def write_table_file(directory: Path, file: str, chunks: Iterable[bytes]) -> str:
    """Write a compressed file and return its SHA-256."""
    path = directory / file
    with gzip.open(path, "wb", compresslevel=1) as out:
        for chunk in chunks:
            out.write(chunk)
    return file_digest(path)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    content = msgspec.json.format(msgspec.json.encode(manifest))
    (directory / MANIFEST).write_bytes(content + b"\n")


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest after verifying that every file is present and unchanged.

    Raises InvalidFile.
    """
    try:
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidFile(
            f"{directory} is not a complete backup, which has a {MANIFEST} ({error}); choose "
            "another one"
        ) from error
    for file in manifest.files:
        path = directory / file.name
        if not path.is_file() or file_digest(path) != file.sha256:
            raise InvalidFile(f"{path} is missing or modified; choose another backup")
    return manifest


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
