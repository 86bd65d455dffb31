"""The current tokens, from a setting and from a file that may change."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mostread.errors import InvalidFile
from mostread.infra.auth import token_file
from mostread.infra.auth.token_metrics import TokenMetrics
from mostread.infra.auth.tokens import Token, parse_tokens
from mostread.infra.logging import get_logger

log = get_logger(__name__)

POLL_SECONDS = 1.0


class TokenStore:
    """Tokens that follow a file; while it is invalid, the previous ones remain."""

    def __init__(self, fixed: str, file: str, metrics: TokenMetrics) -> None:
        """Read the tokens of the setting `fixed` and of `file`, unless that is empty.

        Raises InvalidFile, so that a service does not start with an invalid file.
        """
        self._fixed = parse_tokens(fixed)
        self._file = Path(file or os.devnull)
        self._metrics = metrics
        self._version = self._stat()
        self._use(token_file.read(self._file))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Poll the file until the end of the block."""
        if self._file == Path(os.devnull):
            yield
            return
        following = asyncio.create_task(self._follow())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await asyncio.to_thread(self.renew)

    def renew(self) -> None:
        """Read the file again if it has changed."""
        if (now := self._stat()) == self._version:
            return
        self._version = now
        try:
            if now is None:  # `mostread token` replaces the file atomically
                raise InvalidFile(f"{self._file} is missing")
            self._use(token_file.read(self._file))
        except InvalidFile as error:
            self._metrics.file_invalid.set(1)
            log.error("tokens_file_invalid", error=str(error), kept=len(self.tokens))
        else:
            self._metrics.file_invalid.set(0)
            log.info("tokens_read", tokens=len(self.tokens))

    def _use(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = self._fixed + tokens
        self._metrics.expiry.tokens = self.tokens

    def _stat(self) -> tuple[int, int, int] | None:
        """Return a value that changes with the file, None if it is missing."""
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size
