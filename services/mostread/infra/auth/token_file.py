"""The file of tokens: a line for each, in the format of MOSTREAD_COLLECTOR_TOKENS."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mostread.errors import InvalidFile
from mostread.infra.auth.tokens import Token, parse_tokens

Tokens = tuple[Token, ...]


def read(file: Path) -> Tokens:
    """Return the tokens of a file, none if it is missing. Raises InvalidFile."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{file} cannot be read as a file of tokens: {error}") from error
    try:
        return parse_tokens(",".join(line for line in lines if not line.startswith("#")))
    except ValueError as error:
        raise InvalidFile(f"{file} is not a file of tokens: {error}") from error


def update(file: Path, change: Callable[[Tokens], Iterable[Token]]) -> None:
    """Replace the tokens of a file by the result of `change`.

    The replacement is atomic for readers, and concurrent updates wait for each other.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file.parent):
        lines = [f"{token.written}\n" for token in change(read(file))]
        # Created without rights for others; replaces the draft of an interrupted update.
        draft = file.with_name(f".{file.name}.draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a directory; the kernel releases the lock when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
