"""Access logs as they lie about: plain, gzipped, rotated, piped in, cut off."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from mostread.errors import InvalidFile
from mostread.ops.access_logs.files import lines, size


def read(*files: Path) -> list[tuple[str, str]]:
    told = 0

    def advance(by: int) -> None:
        nonlocal told
        told += by

    names = [str(file) for file in files]
    found = [(str(place), line) for place, line in lines(names, advance)]
    assert told == size(names)
    return found


def test_files_plain_and_gzipped_one_after_another(tmp_path: Path) -> None:
    plain, rotated = tmp_path / "access.log", tmp_path / "access.log.2.gz"
    plain.write_bytes(b"one\r\ntwo\xff\n\nthree")
    # Two members, as when logs are appended to each other.
    rotated.write_bytes(gzip.compress(b"four\n", mtime=0) + gzip.compress("п\u2028ять\n".encode()))
    assert read(plain, rotated) == [
        (f"{plain}:1", "one"),
        (f"{plain}:2", "two\udcff"),
        (f"{plain}:3", ""),
        (f"{plain}:4", "three"),
        (f"{rotated}:1", "four"),
        (f"{rotated}:2", "п\u2028ять"),
    ]


def test_what_is_read_is_told_as_it_goes_on(tmp_path: Path) -> None:
    for name, content in (("a", b"x" * 50), ("b.gz", gzip.compress(bytes(range(97, 122)) * 2))):
        file = tmp_path / name
        file.write_bytes(content)
        told: list[int] = []
        assert len(list(lines([str(file)], told.append))) == 1
        assert sum(told) == size([str(file)])
    many = tmp_path / "many"
    many.write_bytes(b"line\n" * 20_000)
    told = []
    for _ in lines([str(many)], told.append):
        pass
    assert len(told) > 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"line\n" * 1000, mtime=0)[:-20], "is no whole gzip file"),
        (gzip.compress(b"line\n" * 1000, mtime=0)[:20] + b"x" * 50, "is no whole gzip file"),
        (b"\x1f\x8bnothing of the kind", "is no whole gzip file"),
        (b"\xfd7zXZ\x00", "xzcat .* | mostread replay -"),
        (b"\x28\xb5\x2f\xfd", "zstdcat .* | mostread replay -"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(content: bytes, what: str, tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(content)
    with pytest.raises(InvalidFile, match=what) as error:
        read(file)
    assert str(file) in str(error.value)


def test_a_directory_and_a_missing_file(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidFile, match="can't be read"):
            list(lines([str(file)], lambda _: None))


@pytest.mark.parametrize("content", [b"a\nb\n", gzip.compress(b"a\nb\n", mtime=0)])
def test_a_pipe(content: bytes) -> None:
    program = (
        "from mostread.ops.access_logs.files import lines, size\n"
        "print(size(['-']), [(str(place), line) for place, line in lines(['-'], print)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=content, capture_output=True, check=True
    )
    assert done.stdout.decode() == "None [('stdin:1', 'a'), ('stdin:2', 'b')]\n"
