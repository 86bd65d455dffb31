"""The file with tokens: a line `name:role:sha256hex` each, as in MOSTREAD_COLLECTOR_TOKENS."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mostread.errors import InvalidFile
from mostread.infra.auth.tokens import Token, parse_tokens

Tokens = tuple[Token, ...]


def read(file: Path) -> Tokens:
    """Return the tokens of a file, none of one that is not there. Raises InvalidFile."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{file} cannot be read as a file of tokens: {error}") from error
    try:
        return parse_tokens(",".join(line for line in lines if not line.startswith("#")))
    except ValueError as error:
        raise InvalidFile(f"{file} is no file of tokens: {error}") from error


def change(file: Path, make: Callable[[Tokens], Iterable[Token]]) -> None:
    """Replace what a file holds by what `make` makes of it.

    Whoever reads meanwhile sees the one or the other; who changes it meanwhile waits.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(file.parent):
        lines = [f"{token.name}:{token.role}:{token.digest}\n" for token in make(read(file))]
        # Its owner's alone from the first moment; a file of ours that was cut off is replaced.
        draft = file.with_name(f".{file.name}.draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel lets go however we end."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
