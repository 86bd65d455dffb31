"""Checks that the articles that are read have descriptions."""

from collections.abc import Iterator

from mostread.ops.doctor.findings import Finding, ok, warning
from mostread.ops.inspection.clients import SystemClients
from mostread.ranking.config import RankingSettings

_MAX_SITES = 5
_MIN_SHARE = 0.5


def descriptions(clients: SystemClients) -> Iterator[Finding]:
    """Check, for each site, that most articles of the last 24 hours are described."""
    sites = clients.query("undescribed")
    lacking = [row for row in sites if row[2] > row[1] * _MIN_SHARE]
    consequence = (
        "public lists omit them"
        if clients.settings(RankingSettings).ranking_listed == "described"
        else "lists show their ids"
    )
    for site, read, undescribed in lacking[:_MAX_SITES]:
        yield warning(
            f"{undescribed:,} of the {read:,} articles of site {site} that were read in the last "
            f"24 hours have no description, so {consequence}",
            "Describe them with `mostread articles sync`, your CMS or a file: "
            "docs/how-to/articles.md.",
        )
    if not lacking:
        yield ok("most articles that were read in the last 24 hours have descriptions")
