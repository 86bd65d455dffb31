"""All connections to Kafka and ClickHouse use the configured TLS, user and password."""

import ast
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[2] / "services/mostread"
KAFKA_CLIENTS = {
    "Admin",
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaProducer",
}
# The embedded broker, which only loopback reaches, is asked by who started it.
OWN_BROKER = SERVICES / "devstack/servers/kafka.py"


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node


def name_of(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def connects_well(call: ast.Call) -> bool:
    """Whether `**client_options(...)` is among its arguments."""
    unpacked = [each.value for each in call.keywords if each.arg is None]
    return any(
        isinstance(each, ast.Call) and name_of(each.func) == "client_options" for each in unpacked
    )


def test_kafka_clients_use_client_options() -> None:
    modules = {
        f"{path.relative_to(SERVICES)}:{call.lineno}": connects_well(call)
        for path in SERVICES.rglob("*.py")
        for call in calls(path)
        if name_of(call.func) in KAFKA_CLIENTS and path != OWN_BROKER
    }
    assert len(modules) >= 7
    assert [module for module, well in modules.items() if not well] == []


def test_clickhouse_clients_are_created_in_one_module() -> None:
    makers = {"get_client", "get_async_client", "create_client"}
    modules = {
        str(path.relative_to(SERVICES))
        for path in SERVICES.rglob("*.py")
        for call in calls(path)
        if name_of(call.func) in makers
    }
    assert modules == {"infra/clickhouse/client.py"}
