"""Backups on the disk: complete, or refused with the reason."""

import gzip
import hashlib
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from mostread.errors import InvalidFile, Misconfigured, MostreadError, NameTaken, SchemaTooNew
from mostread.ops.backup import archive
from mostread.ops.backup.archive import (
    Manifest,
    TableFile,
    backups,
    new_backup,
    newest_backup,
    read_backup,
    remove_backup,
    write_manifest,
    write_table_file,
)
from mostread.ops.backup.creation import remove_old_backups
from mostread.ops.backup.restoring import read_restorable

TIME = datetime(2026, 11, 29, 11, 30, tzinfo=UTC)
FILE = "counter_versions.all.native.gz"
MANIFEST = Manifest(
    mostread="0.1.0",
    created_at=TIME.isoformat(),
    database="mostread",
    epoch=3,
    migrations={1: "0001_initial"},
    tables={"counter_versions": ("site",), "exclusions": ()},
    files=(TableFile("counter_versions", FILE),),
)


def stored(folder: Path, time: datetime = TIME, manifest: Manifest = MANIFEST) -> Path:
    with new_backup(folder, time) as unfinished:
        write_table_file(unfinished, FILE, [b"rows", b" of a table" * 100])
        write_manifest(unfinished, manifest)
    return backups(folder)[-1].path


def test_backup_is_named_by_its_time_and_read_back(tmp_path: Path) -> None:
    path = stored(tmp_path)
    assert path.name == "2026-11-29T113000Z"
    assert read_backup(path) == MANIFEST
    assert gzip.decompress((path / FILE).read_bytes()) == b"rows" + b" of a table" * 100
    # Visitors' hashes and editors' names are for the owner alone.
    assert path.stat().st_mode & 0o777 == 0o700


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=stored(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{FILE}: OK", "backup.json: OK"]


def test_interrupted_backup_is_none_and_the_next_one_removes_it(tmp_path: Path) -> None:
    killed = tmp_path / "2026-11-01T000000Z.unfinished"
    with suppress(ZeroDivisionError), new_backup(tmp_path, TIME) as unfinished:
        write_table_file(unfinished, FILE, [b"rows"])
        assert backups(tmp_path) == []
        killed.mkdir()
        _ = 1 / 0
    assert {path.name for path in tmp_path.iterdir()} == {".lock", killed.name}
    path = stored(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {".lock", path.name}


def test_second_backup_into_a_folder_waits_for_the_first(tmp_path: Path) -> None:
    with suppress(InvalidFile), new_backup(tmp_path, TIME):
        with pytest.raises(NameTaken, match="wait for it to end"):
            stored(tmp_path)
        assert len(list(tmp_path.glob("*.unfinished"))) == 1


def test_backup_that_changed_on_the_disk_is_not_finished(tmp_path: Path) -> None:
    def write() -> None:
        with new_backup(tmp_path, TIME) as unfinished:
            write_table_file(unfinished, FILE, [b"rows"])
            write_manifest(unfinished, MANIFEST)
            flip(unfinished / FILE)

    with pytest.raises(InvalidFile, match="does not have its checksum"):
        write()
    assert backups(tmp_path) == []


def test_disk_that_refuses_a_backup_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match=r"cannot be written .*; free space"):
        stored(tmp_path / "file")


def flip(path: Path) -> None:
    """Invert one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("name", [FILE, archive.MANIFEST, archive.CHECKSUMS])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_damaged_backup_is_refused(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    path = stored(tmp_path)
    damage(path / name)
    with pytest.raises(InvalidFile, match=r"; (copy the backup again|name a folder)") as refused:
        read_backup(path)
    assert str(path) in str(refused.value)


def test_every_byte_of_the_manifest_is_covered(tmp_path: Path) -> None:
    path = stored(tmp_path)
    manifest = path / archive.MANIFEST
    content = manifest.read_bytes()
    for position in range(len(content)):
        manifest.write_bytes(
            content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :]
        )
        with pytest.raises(MostreadError):
            read_backup(path)


def test_backup_of_other_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"it has no backup\.json; name a folder"):
        read_backup(tmp_path)
    for content in (b"{}", b"[]", b'{"format": 1}', b"not JSON"):
        (tmp_path / archive.MANIFEST).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (tmp_path / archive.CHECKSUMS).write_text(f"{digest}  {archive.MANIFEST}\n")
        with pytest.raises(InvalidFile, match="was not written by mostread"):
            read_backup(tmp_path)


def test_file_outside_the_backup_is_never_read(tmp_path: Path) -> None:
    outside = msgspec.structs.replace(MANIFEST, files=(TableFile("counter_versions", "../x.gz"),))
    with pytest.raises(InvalidFile, match="missing"):
        stored(tmp_path, manifest=outside)
    (tmp_path / "x.gz").write_bytes(b"rows")
    with pytest.raises(InvalidFile, match="does not have its checksum"):
        stored(tmp_path, manifest=outside)


def test_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(MANIFEST, format=2)
    with pytest.raises(SchemaTooNew, match=r"newer mostread took .*\(format 2\)"):
        stored(tmp_path, manifest=newer)
    migrated = msgspec.structs.replace(MANIFEST, migrations={1: "0001_a", 9999: "9999_later"})
    with pytest.raises(SchemaTooNew, match="it has 9999_later; restore it with that version"):
        read_restorable(stored(tmp_path, manifest=migrated))


def test_only_complete_backups_are_listed(tmp_path: Path) -> None:
    assert backups(tmp_path / "missing") == []
    old, new = stored(tmp_path), stored(tmp_path, TIME + timedelta(days=1))
    (tmp_path / "2026-12-24T000000Z").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").touch()
    assert [each.path for each in backups(tmp_path)] == [old, new]
    assert newest_backup(tmp_path) == new
    assert newest_backup(old) == old
    assert newest_backup(tmp_path / "notes") == tmp_path / "notes"


def test_old_backups_are_removed_by_the_rules(tmp_path: Path) -> None:
    paths = [stored(tmp_path, TIME + timedelta(days=days)) for days in range(4)]
    assert remove_old_backups(tmp_path, {"daily": 2}) == paths[:2]
    assert [each.path for each in backups(tmp_path)] == paths[2:]
    remove_backup(paths[3])
    assert newest_backup(tmp_path) == paths[2]
    assert not list(tmp_path.glob("*.unfinished"))
