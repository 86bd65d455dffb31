"""Logging as JSON lines on stdout, each with an event name and fields."""

import logging
import sys

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from mostread.infra import request_id

CHANGES = "mostread.changes"
"""Logger of the log of changes, which is complete at every level."""


def configure_logging(service: str, level: str = "INFO", **fields: object) -> None:
    """Send all logs of this process, including those of libraries, to stdout as JSON lines.

    Each line contains `service` and `fields`, and the id of the request that it is about.
    Libraries log from WARNING, or from `level` if that is higher.
    """

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        event.update(fields)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        name_service,
        add_request_id,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mostread").setLevel(level)
    logging.getLogger(CHANGES).setLevel(logging.INFO)


def add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the id of the request that the current task answers, a processor of structlog."""
    if request := request_id.current():
        event["request_id"] = request
    return event


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; `log.info("rows_written", rows=3)` writes a line."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def _dumps(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
