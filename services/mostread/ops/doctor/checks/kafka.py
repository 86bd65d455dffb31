"""Does Kafka answer, all of it, and is it new enough?"""

from collections.abc import Iterator

from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.errors import Misconfigured
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.inspection._m_way_knock import knock
from mostread.ops.inspection.clients import NotReachedError, Way

OLDEST = (2, 8)
"""The first that gives topics an identity, by which one that was made again is known."""


def kafka(way: Way) -> Iterator[Finding]:
    """The brokers as the settings name them, and as they name themselves."""
    try:
        with way.kafka() as client:
            brokers = client.describe_cluster()["brokers"]
    except NotReachedError as error:
        if error.part != "Kafka":
            raise
        if isinstance(error.why, Misconfigured):
            yield problem(str(error.why), "Change what it names, then run this again.")
            return
        yield problem(
            str(error.why),
            "See whether the brokers run and can be reached from here (`mostread up` starts one on "
            "this machine); MOSTREAD_KAFKA_BROKERS says where they are.",
        )
        return
    settings = way.settings(KafkaSettings)
    for named in settings.bootstrap_servers:
        if why := knock(named):
            yield warning(
                f"{named} of MOSTREAD_KAFKA_BROKERS does not answer ({why})",
                "The others do, so everything works; bring it back, or take it out.",
            )
    reached = []
    for broker in brokers:
        place = f"{broker['host']}:{broker['port']}"
        if why := knock(place):
            yield problem(
                f"broker {broker['broker_id']} tells clients to come to {place}, and cannot be "
                f"reached there ({why})",
                "Start it, or set its advertised.listeners to an address that this machine and the "
                "services can reach.",
            )
        else:
            reached.append(broker["broker_id"])
    if reached:
        yield _version(way, reached, settings.kafka_brokers)


def _version(way: Way, brokers: list[int], where: str) -> Finding:
    with way.kafka() as client:
        oldest = min(client.get_broker_version_data(number).broker_version for number in brokers)
    said = ".".join(map(str, oldest))
    if tuple(oldest) < OLDEST:
        return problem(
            f"Kafka {said} gives topics no identity",
            "Take 2.8 or newer: else a topic that is made again would be counted as the old one.",
        )
    number = "1 broker" if len(brokers) == 1 else f"{len(brokers)} brokers"
    return ok(f"Kafka {said} answers at {where}, {number}")
