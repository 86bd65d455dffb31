"""Access log files: plain, gzipped, rotated, piped, truncated."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from mostread.errors import InvalidFile
from mostread.ops.access_logs.files import read_lines, total_size


def read(*files: Path) -> list[tuple[str, str]]:
    advanced = 0

    def advance(size: int) -> None:
        nonlocal advanced
        advanced += size

    names = [str(file) for file in files]
    numbered = [
        (f"{name}:{number}", line) for name in names for number, line in read_lines(name, advance)
    ]
    assert advanced == total_size(names)
    return numbered


def test_read_lines_concatenates_plain_and_gzipped_files(tmp_path: Path) -> None:
    plain, rotated = tmp_path / "access.log", tmp_path / "access.log.2.gz"
    plain.write_bytes(b"one\r\ntwo\xff\n\nthree")
    # Two gzip members, as when logs are concatenated.
    rotated.write_bytes(gzip.compress(b"four\n", mtime=0) + gzip.compress("п\u2028ять\n".encode()))
    assert read(plain, rotated) == [
        (f"{plain}:1", "one"),
        (f"{plain}:2", "two\udcff"),
        (f"{plain}:3", ""),
        (f"{plain}:4", "three"),
        (f"{rotated}:1", "four"),
        (f"{rotated}:2", "п\u2028ять"),
    ]


def test_read_lines_removes_nuls_and_byte_order_marks(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(
        b"\xef\xbb\xbffirst\n"
        + b"\0" * 300_000
        + b"after copytruncate\n\xef\xbb\xbfsecond file\n\0\0"
    )
    assert [line for _, line in read(file)] == ["first", "after copytruncate", "second file"]


def test_read_lines_cuts_long_lines(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b"a" * 200_000 + b"\nnext\n" + b"b" * 65_536 + b"\n" + b"c" * 70_000)
    assert [(line[:1], len(line)) for _, line in read(file)] == [
        ("a", 65_536),
        ("n", 4),
        ("b", 65_536),
        ("c", 65_536),
    ]


def test_read_lines_reports_progress_in_bytes(tmp_path: Path) -> None:
    for name, content in (("a", b"x" * 50), ("b.gz", gzip.compress(bytes(range(97, 122)) * 2))):
        file = tmp_path / name
        file.write_bytes(content)
        steps: list[int] = []
        assert len(list(read_lines(str(file), steps.append))) == 1
        assert sum(steps) == total_size([str(file)])
    many = tmp_path / "many"
    many.write_bytes(b"line\n" * 20_000)
    steps = []
    for _ in read_lines(str(many), steps.append):
        pass
    assert len(steps) > 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"line\n" * 1000, mtime=0)[:-20], "is not a complete gzip file"),
        (gzip.compress(b"line\n" * 1000, mtime=0)[:20] + b"x" * 50, "is not a complete gzip file"),
        (b"\x1f\x8bnothing of the kind", "is not a complete gzip file"),
        ("a\n".encode("utf-16"), "iconv -f UTF-16 .* | mostread import-logs -"),
        (b"\xfd7zXZ\x00", "xzcat .* | mostread import-logs -"),
        (b"\x28\xb5\x2f\xfd", "zstdcat .* | mostread import-logs -"),
    ],
)
def test_unreadable_file_error_names_the_file(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(content)
    with pytest.raises(InvalidFile, match=message) as error:
        read(file)
    assert str(file) in str(error.value)


def test_read_lines_refuses_directory_and_missing_file(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidFile, match="cannot be read"):
            list(read_lines(str(file), lambda _: None))


@pytest.mark.parametrize("content", [b"a\nb\n", gzip.compress(b"a\nb\n", mtime=0)])
def test_read_lines_from_a_pipe(content: bytes) -> None:
    program = (
        "from mostread.ops.access_logs.files import read_lines, total_size\n"
        "print(total_size(['-']), list(read_lines('-', print)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=content, capture_output=True, check=True
    )
    assert done.stdout.decode() == "None [(1, 'a'), (2, 'b')]\n"
