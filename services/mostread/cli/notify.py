"""`mostread notify`."""

import sys

import click
import uvloop

from mostread.cli import params
from mostread.errors import Misconfigured
from mostread.infra.logging import configure_logging
from mostread.ops.notify import service
from mostread.ops.notify.config import NotifySettings
from mostread.ops.notify.subscriptions import Subscription, read_subscriptions


@click.command()
@params.stack_option
@click.option(
    "--test",
    is_flag=True,
    help="Send a sample to everybody whom the subscriptions name, and exit with code 1 if one "
    "could not be sent.",
)
@click.option(
    "--only", metavar="NAME", multiple=True, help="With --test: this subscription; repeatable."
)
def notify(*, test: bool, only: tuple[str, ...]) -> None:
    """Send editors alerts and daily digests by mail and chat.

    The subscriptions are in the TOML file that MOSTREAD_NOTIFY_SUBSCRIPTIONS_FILE names.
    """
    settings = NotifySettings()
    subscriptions = read_subscriptions(
        settings.notify_subscriptions_file, mail=bool(settings.notify_smtp_host)
    )
    if only and not test:
        raise click.UsageError("--only selects whom to send a sample; add --test")
    if test:
        configure_logging("notify", "ERROR")
        chosen = [each for each in subscriptions if not only or each.name in only]
        if unknown := set(only) - {each.name for each in chosen}:
            raise Misconfigured(f"there is no subscription {min(unknown)!r}; check the file")
        sys.exit(_test(settings, chosen))
    configure_logging("notify", settings.log_level)
    uvloop.run(service.serve(settings, subscriptions))


def _test(settings: NotifySettings, subscriptions: list[Subscription]) -> int:
    failed = False
    for subscription, target, error in uvloop.run(service.send_test(settings, subscriptions)):
        where = f"{subscription.name}: {target.name}"
        if error is None:
            click.echo(f"{where}: sent")
        else:
            failed = True
            click.echo(f"mostread: {where}: {error}", err=True)
    return int(failed)
