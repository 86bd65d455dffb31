"""Generate docs/reference from the code: settings, metrics, commands and the HTTP API.

`make docs` runs it before it builds the site; tests/repository/test_docs.py compares.
"""

import re
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.cli.main import mostread
from mostread.collector.metrics import CollectorMetrics
from mostread.infra.http.operations import add_build_info
from mostread.infra.settings import variable
from mostread.ops.articles.metrics import ArticlesMetrics
from mostread.ops.backup.metrics import BackupMetrics
from mostread.ops.canary.metrics import CanaryMetrics
from mostread.ops.effective_settings import SERVICES
from mostread.ops.notify.metrics import NotifyMetrics
from mostread.ranking.metrics import RankingMetrics

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"
WIDTH = 100
GENERATED = "<!-- Generated from the code by tools/generate_docs.py; run `make docs`. -->"

SETTING_GROUPS = {
    "kafka": "Kafka",
    "clickhouse": "ClickHouse",
    "log": "Logging",
    "revision": "Build",
    "http": "HTTP connections",
    "collector": "Collector",
    "aggregator": "Aggregator",
    "ranking": "Ranking",
    "canary": "Canary",
    "articles": "Articles",
    "notify": "Notifications",
    "init": "Initialisation",
    "maven": "Development stack",
}
METRIC_GROUPS: dict[str, Callable[[CollectorRegistry], object]] = {
    "Every service": partial(add_build_info, revision=""),
    "Collector": CollectorMetrics,
    "Aggregator": AggregatorMetrics,
    "Ranking": RankingMetrics,
    "Canary": CanaryMetrics,
    "Articles": ArticlesMetrics,
    "Notifications": NotifyMetrics,
    "Backup": BackupMetrics,
}
SUFFIXES = {"counter": "_total", "info": "_info"}
HTTP_SERVICES = ("collector", "ranking")

SETTINGS_INTRO = """
mostread reads its settings from environment variables, once at start. `mostread config` prints the
effective values with secrets masked, and reports unknown names that begin with `MOSTREAD_`. An
invalid value ends the process with exit code 2 and a message that names the setting.

Settings with a *file* variant can be read from a file instead, as Docker, Kubernetes and systemd
(`LoadCredential`) provide secrets: the variant names a file whose single line is the value. Setting
both is an error, and so is a file that is empty or unreadable. Secrets and certificates are read
again only at the next start. `MOSTREAD_COLLECTOR_TOKENS_FILE` and `MOSTREAD_RANKING_TOKENS_FILE`
are different: they hold token hashes, may be combined with `MOSTREAD_COLLECTOR_TOKENS` and
`MOSTREAD_RANKING_TOKENS`, and are reloaded when they change.
"""
METRICS_INTRO = """
Every service exposes Prometheus metrics at `/metrics`, with the usual process metrics (`process_*`,
`python_*`) besides its own. A histogram has the series `_bucket`, `_sum` and `_count`; nothing has
`_created`. Metrics of a collector with several workers have the additional label `worker`.

The identity `received = counted + duplicate + late + dead_lettered + excluded` holds exactly, over
all events ever received, for `mostread_ranking_event_outcomes_total` and for the checkpoints in
ClickHouse. The aggregator's own counters follow it too, but count a batch again when it is read
again after a crash. Alerts watch both.
"""
CLI_INTRO = """
All services and jobs are subcommands of one program, `mostread`. They take their connections from
the environment, see [Settings](settings.md). Jobs also find a running development stack (`mostread
up` or `make demo`) by its data directory, `--data`, which is `.mostread` by default.
"""
HTTP_INTRO = """
This page lists every operation of the collector (port 8081) and the ranking service (port 8080).
The complete contracts, with schemas and examples, are their OpenAPI documents: `/openapi.json` of
each service, or `schemas/collector.openapi.yaml` and `schemas/ranking.openapi.yaml`.

Errors are problem details (RFC 9457, `application/problem+json`) with a stable `type` and, in
`request_id`, the id under which the service logged the request.
"""


def wrapped(text: str, indent: str = "") -> str:
    """Wrap `text` at WIDTH, its code spans unbroken; blank lines separate paragraphs."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())]
    unbroken = (
        re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), line) for line in paragraphs
    )
    lines = (
        textwrap.fill(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=" " * len(indent),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in unbroken
    )
    return "\n\n".join(lines).replace("\0", " ")


def default_of(field: FieldInfo) -> str:
    """Return the default of a setting as it is written in the environment."""
    if isinstance(field.default, BaseModel):
        return orjson.dumps(field.default.model_dump()).decode()
    if isinstance(field.default, SecretStr):
        return field.default.get_secret_value()
    return str(field.default)


def settings_page() -> Iterator[str]:
    """Yield the blocks of the page of settings, grouped by prefix."""
    fields: dict[str, FieldInfo] = {}
    read_by: dict[str, list[str]] = {}
    for service, settings in SERVICES.items():
        for name, field in settings.model_fields.items():
            fields[name] = field
            read_by.setdefault(name, []).append(service)
    yield "# Settings"
    yield SETTINGS_INTRO.strip()
    for prefix, title in SETTING_GROUPS.items():
        yield f"## {title}"
        for name, field in fields.items():
            if name.partition("_")[0] != prefix:
                continue
            yield f"### `{variable(name)}`"
            yield wrapped(field.description or "")
            default = default_of(field)
            facts = [f"Default: `{default}`" if default else "Default: empty"]
            if field.annotation is SecretStr:
                facts.append(f"File: `{variable(name)}_FILE`")
            facts.append("Read by: " + ", ".join(f"`mostread {name}`" for name in read_by[name]))
            yield "\n".join(wrapped(fact, "- ") for fact in facts)
    unlisted = {name for name in fields if name.partition("_")[0] not in SETTING_GROUPS}
    assert not unlisted, f"SETTING_GROUPS lacks a group for {sorted(unlisted)}"


def metrics_page() -> Iterator[str]:
    """Yield the blocks of the page of metrics, grouped by service."""
    yield "# Metrics"
    yield METRICS_INTRO.strip()
    for service, new_metrics in METRIC_GROUPS.items():
        yield f"## {service}"
        registry = CollectorRegistry()
        new_metrics(registry)
        metrics: set[Any] = set(registry._collector_to_names)
        for metric in sorted(metrics, key=lambda metric: getattr(metric, "_name", "")):
            (family,) = metric.describe()
            is_wrapper = isinstance(metric, MetricWrapperBase)
            labels = metric._labelnames if is_wrapper else metric.label_names
            yield f"### `{family.name}{SUFFIXES.get(family.type, '')}`"
            yield wrapped(family.documentation)
            facts = [f"Type: {family.type}"]
            if labels:
                facts.append("Labels: " + ", ".join(f"`{label}`" for label in labels))
            yield "\n".join(wrapped(fact, "- ") for fact in facts)


def commands(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the help of `command`, then of its subcommands."""
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield name, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    if isinstance(command, click.Group):
        for subcommand in command.list_commands(context):
            child = command.get_command(context, subcommand)
            assert child is not None
            yield from commands(child, f"{name} {subcommand}")


def cli_page() -> Iterator[str]:
    """Yield the blocks of the page of commands."""
    yield "# Command line"
    yield CLI_INTRO.strip()
    for name, text in commands(mostread, "mostread"):
        yield f"## `{name}`"
        yield f"```text\n{text}\n```"


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow a `$ref` inside `document`, if `node` is one."""
    reference = node.get("$ref", "")
    if not reference:
        return node
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part.replace("~1", "/")]
    assert isinstance(target, dict)
    return target


def operation_blocks(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """Yield what an operation does, its parameters and its responses."""
    yield wrapped(operation["summary"].rstrip(".") + ".")
    if "description" in operation:
        yield wrapped(operation["description"])
    parameters = [resolved(document, node) for node in operation.get("parameters", [])]
    if parameters:
        yield "Parameters:"
        yield "\n".join(
            wrapped(f"`{node['name']}` ({node['in']}): {first_paragraph(node)}", "- ")
            for node in parameters
        )
    yield "Responses:"
    yield "\n".join(
        wrapped(f"{status}: {first_paragraph(resolved(document, node))}", "- ")
        for status, node in operation["responses"].items()
    )


def first_paragraph(node: dict[str, Any]) -> str:
    """Return the first paragraph of a description."""
    text: str = node.get("description", "")
    return re.split(r"\n\s*\n", text.strip())[0]


def http_page() -> Iterator[str]:
    """Yield the blocks of the page of HTTP operations."""
    yield "# HTTP API"
    yield HTTP_INTRO.strip()
    for service in HTTP_SERVICES:
        document = yaml.safe_load((ROOT / f"schemas/{service}.openapi.yaml").read_text())
        yield f"## {service.capitalize()}"
        yield wrapped(document["info"]["description"])
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if method in {"get", "post", "put", "delete", "options"}:
                    yield f"### {service.capitalize()}: `{method.upper()} {path}`"
                    yield from operation_blocks(document, operation)


PAGES = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "cli.md": cli_page,
    "http-api.md": http_page,
}


def generated() -> dict[Path, str]:
    """Return the text of each generated page by its path."""
    return {
        REFERENCE / name: "\n\n".join([GENERATED, *page()]) + "\n" for name, page in PAGES.items()
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
