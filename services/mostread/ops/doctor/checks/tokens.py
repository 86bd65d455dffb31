"""Checks that no token has expired, or is about to."""

from collections.abc import Iterator
from pathlib import Path

from mostread.collector.config import CollectorSettings
from mostread.errors import InvalidFile
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Token, current_tokens, format_expiry, parse_tokens
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import SystemClients
from mostread.ranking.config import RankingSettings

_SOON_MS = 7 * 86_400_000
_ADVICE = (
    "Replace it with `mostread token rotate`, or `mostread token revoke` it if nobody uses it; in "
    "a setting, replace its entry."
)


def tokens(clients: SystemClients) -> Iterator[Finding]:
    """Check the tokens that the settings of collector and ranking service name."""
    collector, ranking = clients.settings(CollectorSettings), clients.settings(RankingSettings)
    known: dict[Token, None] = {}
    for fixed, file in (
        (collector.collector_tokens, collector.collector_tokens_file),
        (ranking.ranking_tokens, ranking.ranking_tokens_file),
    ):
        try:
            read = token_file.read(Path(file)) if file else ()
        except InvalidFile as error:
            yield problem(str(error), "Correct it: services do not start with it.")
        else:
            known |= dict.fromkeys(parse_tokens(fixed) + read)
    current = current_tokens(known)
    expiring = [token for token in current if token.has_expired(clients.now_ms() + _SOON_MS)]
    for token in expiring:
        verb = "expired" if token.has_expired(clients.now_ms()) else "expires"
        expiry = format_expiry(token.expires) if token.expires else ""
        yield warning(f"the token {token.name!r} ({token.role}) {verb} at {expiry}", _ADVICE)
    if current and not expiring:
        yield ok(f"{len(current)} tokens, of which none expires within a week")
