"""A backup as it lies in a folder: a file for each part of a table, and what says it is whole."""

import gzip
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mostread.errors import InvalidFile, Misconfigured

MANIFEST = "backup.json"


class Part(msgspec.Struct, frozen=True):
    """A file with rows of one table, in ClickHouse's Native format, gzipped."""

    table: str
    file: str
    columns: tuple[str, ...]
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds, written last: a folder without it is no backup.

    `parts` are in the order in which they were read; `made_at` is ISO 8601.
    """

    made_at: str
    database: str
    migrations: dict[int, str]
    parts: tuple[Part, ...]


def prepare(folder: Path) -> None:
    """Make `folder`, or take it as it is if it is empty. Raises Misconfigured."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misconfigured(f"{folder} is not an empty folder; name another for the backup")
    folder.mkdir(parents=True, exist_ok=True)


def write_part(folder: Path, file: str, chunks: Iterable[bytes]) -> str:
    """Write a file and return its SHA-256."""
    path = folder / file
    with gzip.open(path, "wb", compresslevel=1) as out:
        for chunk in chunks:
            out.write(chunk)
    return digest(path)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    content = msgspec.json.format(msgspec.json.encode(manifest))
    (folder / MANIFEST).write_bytes(content + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Return what the backup in `folder` holds, once every file of it is there as it was written.

    Raises InvalidFile.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidFile(
            f"{folder} holds no whole backup, which has a {MANIFEST} ({error}); take another one"
        ) from error
    for part in manifest.parts:
        path = folder / part.file
        if not path.is_file() or digest(path) != part.sha256:
            raise InvalidFile(f"{path} is missing or not as it was written; take another backup")
    return manifest


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
