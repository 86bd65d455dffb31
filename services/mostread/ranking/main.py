"""`mostread ranking`."""

import click
import uvloop

from mostread.infra.http.server import listen, stop_signal
from mostread.infra.logging import configure_logging
from mostread.ranking.app import new_ranking
from mostread.ranking.config import RankingSettings


@click.command()
def ranking() -> None:
    """Run the ranking service: JSON API and web page."""
    settings = RankingSettings()
    configure_logging("ranking", settings.log_level)
    uvloop.run(_serve(settings))


async def _serve(settings: RankingSettings) -> None:
    stop = stop_signal()
    runner = await listen(
        new_ranking(settings),
        settings.ranking_host,
        settings.ranking_port,
        "MOSTREAD_RANKING_PORT",
        settings,
    )
    await stop.wait()
    await runner.cleanup()
