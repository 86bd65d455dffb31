"""Backups as folders: files of tables, a manifest, and the checksums of both.

A backup has its final name only once it is complete and read back, so that no other state of it
can be mistaken for one.
"""

import fcntl
import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from mostread.errors import InvalidFile, Misconfigured, NameTaken, SchemaTooNew

MANIFEST = "backup.json"
CHECKSUMS = "SHA256SUMS"
FORMAT = 1
"""Version of the layout; a later layout has a higher one."""

_NAME = "%Y-%m-%dT%H%M%SZ"
_UNFINISHED = ".unfinished"
_LOCK = ".lock"
_CHECKSUM = re.compile(r"([0-9a-f]{64})  ([\w.-]+)")


class TableFile(msgspec.Struct, frozen=True):
    """Rows of one table in ClickHouse's Native format, gzipped."""

    table: str
    name: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of a backup.

    `tables` are the columns of each table, empty tables included; `files` are in the order in which
    they were read. `epoch` is that of the counters, `created_at` is ISO 8601, `mostread` the
    version that took the backup.
    """

    format: int = FORMAT
    mostread: str
    created_at: str
    database: str
    epoch: int
    migrations: dict[int, str]
    tables: dict[str, tuple[str, ...]]
    files: tuple[TableFile, ...]


class StoredBackup(NamedTuple):
    """A complete backup in a folder of backups."""

    created_at: datetime
    path: Path


@contextmanager
def new_backup(folder: Path, created_at: datetime) -> Iterator[Path]:
    """Yield a new folder to fill; it becomes a backup in `folder` when the block ends.

    Removes what an interrupted backup left. If the block raises, nothing remains. Raises NameTaken
    while another process writes to `folder`, and Misconfigured if the disk refuses it.
    """
    path = folder / created_at.strftime(_NAME)
    unfinished = folder / f"{path.name}{_UNFINISHED}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            for leftover in folder.glob(f"*{_UNFINISHED}"):
                shutil.rmtree(leftover)
            unfinished.mkdir(mode=0o700)
            try:
                yield unfinished
                _finish(unfinished)
                unfinished.rename(path)
                _sync(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    except OSError as error:
        raise Misconfigured(
            f"the backup cannot be written to {folder} ({error.strerror or error}); free space on "
            "its disk or choose another folder"
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NameTaken(
                f"another process writes a backup to {folder}; wait for it to end"
            ) from None
        yield


def write_table_file(folder: Path, name: str, chunks: Iterable[bytes]) -> None:
    """Write a compressed file, and append the checksum of what was written."""
    with (folder / name).open("xb") as file:
        hashing = _HashingFile(file)
        with gzip.GzipFile("", "wb", 1, cast("BinaryIO", hashing)) as out:
            for chunk in chunks:
                out.write(chunk)
    _append_checksum(folder, name, hashing.hexdigest())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and append its checksum."""
    content = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
    (folder / MANIFEST).write_bytes(content)
    _append_checksum(folder, MANIFEST, hashlib.sha256(content).hexdigest())


class _HashingFile:
    """Hashes what is written to a file, rather than what can be read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.hexdigest = self._hash.hexdigest

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _append_checksum(folder: Path, name: str, digest: str) -> None:
    with (folder / CHECKSUMS).open("a") as checksums:
        checksums.write(f"{digest}  {name}\n")


def _finish(folder: Path) -> None:
    """Force all files to the disk, and read them back."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    read_backup(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def backups(folder: Path) -> list[StoredBackup]:
    """Return the complete backups in a folder, oldest first."""
    stored = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            created_at = datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
        if (path / CHECKSUMS).is_file():
            stored.append(StoredBackup(created_at, path))
    return sorted(stored)


def newest_backup(path: Path) -> Path:
    """Return the newest backup in a folder of backups; `path` itself if it has none."""
    stored = [] if (path / MANIFEST).exists() else backups(path)
    return stored[-1].path if stored else path


def remove_backup(path: Path) -> None:
    """Remove a backup; if interrupted, it no longer has the name of one."""
    unfinished = path.with_name(f"{path.name}{_UNFINISHED}")
    path.rename(unfinished)
    shutil.rmtree(unfinished)


def read_backup(folder: Path) -> Manifest:
    """Return the manifest after verifying that every file is present and unchanged.

    Raises InvalidFile, and SchemaTooNew for the layout of a newer version.
    """
    if not (folder / MANIFEST).is_file():
        raise InvalidFile(
            f"{folder} is not a backup, or not a complete one: it has no {MANIFEST}; name a folder "
            "that `mostread backup create` has written"
        )
    content = (folder / MANIFEST).read_bytes()
    _check_format(folder, content)
    checksums = _read_checksums(folder)
    _check_file(folder, MANIFEST, checksums)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise InvalidFile(
            f"{folder / MANIFEST} was not written by mostread ({error}); choose another backup"
        ) from error
    for file in manifest.files:
        _check_file(folder, file.name, checksums)
    return manifest


def _check_format(folder: Path, content: bytes) -> None:
    """Raise SchemaTooNew for a later layout; whatever else is wrong is found by its checksum."""
    try:
        version = msgspec.json.decode(content, type=dict[str, object]).get("format")
    except msgspec.DecodeError:
        return
    if isinstance(version, int) and version > FORMAT:
        raise SchemaTooNew(
            f"a newer mostread took the backup {folder} (format {version}); restore it with that "
            "version"
        )


def _read_checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError):
        lines = []
    matches = [_CHECKSUM.fullmatch(line) for line in lines]
    return {match[2]: match[1] for match in matches if match}


def _check_file(folder: Path, name: str, checksums: dict[str, str]) -> None:
    path = folder / name
    if not path.is_file():
        raise InvalidFile(f"{path} is missing; copy the backup again, or choose another one")
    if file_digest(path) != checksums.get(name):
        raise InvalidFile(
            f"{path} does not have its checksum in {CHECKSUMS}: one of them is truncated or "
            "damaged; copy the backup again, or choose another one"
        )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
