"""`mostread ranking`."""

import click
import uvloop

from mostread.infra.http.connections import Endpoint
from mostread.infra.http.server import serving, stop_signal
from mostread.infra.logging import configure_logging
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings


@click.command()
def ranking() -> None:
    """Run the ranking service: JSON API and web page."""
    settings = RankingSettings()
    configure_logging("ranking", settings.log_level)
    uvloop.run(_serve(settings))


async def _serve(settings: RankingSettings) -> None:
    stop = stop_signal()
    async with (
        ranking_app(settings) as app,
        serving(
            app,
            Endpoint(settings.ranking_host, settings.ranking_port, "MOSTREAD_RANKING_PORT"),
            settings,
        ),
    ):
        await stop.wait()
