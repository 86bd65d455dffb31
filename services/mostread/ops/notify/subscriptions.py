"""Subscriptions: alerts and digests, and where to send them. Read from a TOML file."""

import re
import secrets
import tomllib
from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from mostread.errors import Misconfigured
from mostread.ops.notify.config import MAIL_ADDRESS
from mostread.ops.notify.messages import Alert, AlertKind, Digest, EditorMessage
from mostread.ranking.pages.i18n import Lang
from mostread.ranking.queries import zone_name

_SETTING = "MOSTREAD_NOTIFY_SUBSCRIPTIONS_FILE"
_WEB = re.compile(r"https?://[^\s/?#]+\S*")
_MAIL = re.compile(MAIL_ADDRESS)


def _web_address(value: str) -> str:
    if not _WEB.fullmatch(value):
        raise ValueError("not a URL; write https://host/path")
    return value


def _mail_address(value: str) -> str:
    if not _MAIL.fullmatch(value):
        raise ValueError("not a mail address; write name@host, in ASCII")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]


class Subscription(BaseModel):
    """One entry of the file: a selection of articles, what to tell, and whom."""

    # The addresses of webhooks are secrets, so errors do not repeat them.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    site: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    sections: tuple[Name, ...] = Field((), max_length=20)
    authors: tuple[Name, ...] = Field((), max_length=20)
    tags: tuple[Name, ...] = Field((), max_length=20)
    languages: tuple[str, ...] = Field((), max_length=20)
    """Languages of the articles; `lang` is that of the messages."""
    lang: Lang = "en"
    alerts: frozenset[AlertKind] = frozenset()
    window: Literal["1h", "6h", "24h"] = "1h"
    top: int = Field(10, ge=1, le=50)
    times: float = Field(4.0, ge=1.5, le=1000)
    min_views: int = Field(100, ge=1)
    repeat_hours: int = Field(6, ge=1, le=168)
    digest_at: time | None = None
    timezone: Annotated[str, AfterValidator(zone_name)] = "UTC"
    webhook: WebAddress | None = None
    slack: WebAddress | None = None
    mail: tuple[MailAddress, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.alerts and self.digest_at is None:
            raise ValueError("it asks for nothing; set alerts, digest_at or both")
        if not (self.webhook or self.slack or self.mail):
            raise ValueError("it names nobody to tell; set webhook, slack or mail")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def message(
        self,
        now: datetime,
        page: str,
        *,
        alerts: Sequence[Alert] = (),
        digest: Digest | None = None,
        is_test: bool = False,
    ) -> EditorMessage:
        """Return a new message; `page` is the list that it links to."""
        return EditorMessage(
            id=secrets.token_hex(16),
            subscription=self.name,
            site=self.site,
            sections=self.sections,
            lang=self.lang,
            top=self.top,
            created_at=now,
            page=page,
            alerts=list(alerts),
            digest=digest,
            is_test=is_test,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    subscription: tuple[Subscription, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.subscription]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two subscriptions have the name {name!r}; rename one of them")
        return self


def read_subscriptions(file: str, *, mail: bool) -> Sequence[Subscription]:
    """Return the subscriptions of a file; `mail` tells whether there is a mail server.

    Raises Misconfigured with the entry that is wrong.
    """
    if not file:
        raise Misconfigured(
            f"there are no subscriptions; write a file as docs/how-to/notifications.md shows, and "
            f"set {_SETTING} to it"
        )
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        subscriptions = _File.model_validate(content).subscription
    except OSError as error:
        raise Misconfigured(f"{_SETTING}: {file} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise Misconfigured(f"{file}: {_problem(error, content)}") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise Misconfigured(f"{file} is not a TOML file: {error}") from error
    for each in subscriptions:
        if each.mail and not mail:
            raise Misconfigured(
                f"{file}: subscription {each.name!r} sends mail; set MOSTREAD_NOTIFY_SMTP_HOST"
            )
    return subscriptions


def _problem(error: ValidationError, content: dict[str, object]) -> str:
    """Return the first problem, with the name of its entry and field."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    location = list(first["loc"])
    match location:
        case ["subscription", int(number), *rest]:
            entries = content["subscription"]
            entry = entries[number] if isinstance(entries, list) else None
            name = entry.get("name") if isinstance(entry, dict) else None
            named = repr(name) if isinstance(name, str) else f"number {number + 1}"
            field = ".".join(map(str, rest))
            return f"subscription {named}: {field and f'{field}: '}{message}"
    return f"{'.'.join(map(str, location))}: {message}" if location else message
