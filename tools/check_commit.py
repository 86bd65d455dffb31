"""Check a commit before it is made; .pre-commit-config.yaml runs this.

python tools/check_commit.py files PATH ...
python tools/check_commit.py message PATH
"""

import re
import sys
from pathlib import Path

MAX_BYTES = 512 << 10
MAX_SUBJECT = 72
_AREA = r"[a-z][a-z0-9_/.-]*"
SUBJECT = re.compile(rf"{_AREA}(, {_AREA})*: \S.*[^.]|(Merge|Revert|fixup!) .*")


def large_files(paths: list[str]) -> list[str]:
    """Return an error for each file that is too large for the repository."""
    sizes = {path: Path(path).stat().st_size for path in paths if Path(path).is_file()}
    return [
        f"{path} has {size:,} bytes, above the limit of {MAX_BYTES:,}; fetch it when needed"
        for path, size in sizes.items()
        if size > MAX_BYTES
    ]


def subject(message: str) -> list[str]:
    """Return what is wrong with the first line of a commit message."""
    line = message.partition("\n")[0]
    problems = []
    if len(line) > MAX_SUBJECT:
        problems.append(f"the subject has {len(line)} characters; shorten it to {MAX_SUBJECT}")
    if not SUBJECT.fullmatch(line):
        problems.append("the subject is not `area: imperative summary`, without a full stop")
    return problems


def main(what: str, *paths: str) -> int:
    """Print every problem; return 1 where one exists."""
    if what == "files":
        problems = large_files(list(paths))
    else:
        problems = subject(Path(paths[0]).read_text(encoding="utf-8"))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
