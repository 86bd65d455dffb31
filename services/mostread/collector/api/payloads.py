"""Articles and placements: decoded from requests, encoded for Kafka."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from mostread.collector.pipeline.event import DEFAULT_SITE, EARLIEST_TIMESTAMP, SITE_CHARACTERS
from mostread.collector.pipeline.strict_decoder import split
from mostread.core import article_ids
from mostread.core.editorial.articles import (
    Address,
    Authors,
    Language,
    Rank,
    Section,
    Tags,
    Title,
)
from mostread.core.editorial.placements import Decision, Placement, check_possible
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import (
    Forbidden,
    InvalidArticle,
    InvalidEvent,
    InvalidPlacement,
    NoValidArticle,
    TooManyArticles,
)

Invalid = type[InvalidArticle] | type[InvalidPlacement]

MAX_ARTICLES = 1000

RequireSite = Callable[[str], None]


class Ids(NamedTuple):
    """Ids in the address of a request; None leaves one to the body."""

    article_id: str | None = None
    site: str | None = None


class Payload(Protocol):
    """A body that may leave `article_id` and `site` to the address."""

    article_id: str | None
    site: str | None


class ArticlePayload(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An article as a CMS describes it: `ArticleBody` in schemas/collector.openapi.yaml.

    As in events, null is absent.
    """

    article_id: str | None = None
    site: str | None = None
    title: Title
    url: Address | None = None
    section: Section | None = None
    language: Language | None = None
    published_at: int | float | str | None = None
    image: Address | None = None
    authors: Authors | None = None
    tags: Tags | None = None
    hidden: bool | None = None
    pinned: Rank | None = None


class RejectedArticle(msgspec.Struct):
    """An invalid article; `index` is its position in the request, from 0."""

    index: int
    reason: str
    detail: str


class PlacementPayload(Decision, kw_only=True):
    """An editor's decision: schemas/placement.schema.json without `by`, which the token gives."""

    article_id: str | None = None
    site: str | None = None


class StoredPlacement(Placement, kw_only=True):
    """A decision in the log, by its id there."""

    id: str


class DecodedArticle(NamedTuple):
    """A valid article of a request; `value` is that of the record."""

    article_id: str
    site: str
    value: bytes


P = TypeVar("P", bound=Payload)
T = TypeVar("T")

_ARTICLES = msgspec.json.Decoder(ArticlePayload)
_PLACEMENTS = msgspec.json.Decoder(PlacementPayload)
encode = msgspec.json.Encoder().encode


def decode_article(body: bytes, ids: Ids) -> DecodedArticle:
    """Return the article of a request. Raises InvalidArticle."""
    payload, article_id, site = decode_body(_ARTICLES, body, ids, InvalidArticle)
    if payload.published_at is not None:
        payload.published_at = _milliseconds(payload.published_at)
    return DecodedArticle(article_id, site, encode(payload))


def decode_articles(
    body: bytes, site: str | None, require_site: RequireSite
) -> tuple[Sequence[DecodedArticle], Sequence[RejectedArticle]]:
    """Return the valid articles of a body, and the others with the reason.

    The body is an object, an array or NDJSON; `require_site` raises Forbidden for a site that the
    client may not write. Raises TooManyArticles, and NoValidArticle if none is valid.
    """

    def decode_one(element: bytes) -> DecodedArticle:
        article = decode_article(element, Ids(site=site))
        require_site(article.site)
        return article

    articles, rejected = decode_each(body, decode_one)
    if not articles:
        raise NoValidArticle(msgspec.to_builtins(rejected))
    return articles, rejected


def decode_each(
    body: bytes, decode_one: Callable[[bytes], T]
) -> tuple[list[T], list[RejectedArticle]]:
    """Return the elements of an object, array or NDJSON that are valid, and the others.

    `decode_one` raises InvalidArticle or Forbidden for the others. Raises TooManyArticles.
    """
    valid: list[T] = []
    rejected: list[RejectedArticle] = []
    try:
        elements = split(body.strip())
    except InvalidEvent as error:
        elements = []
        rejected.append(RejectedArticle(0, error.reason, str(error)))
    if len(elements) > MAX_ARTICLES:
        raise TooManyArticles(len(elements), MAX_ARTICLES)
    for index, element in enumerate(elements):
        try:
            valid.append(decode_one(element))
        except InvalidArticle as error:
            rejected.append(RejectedArticle(index, error.reason, str(error)))
        except Forbidden as error:
            rejected.append(RejectedArticle(index, "forbidden", str(error)))
    return valid, rejected


def deleted_article(ids: Ids) -> DecodedArticle:
    """Return the record that deletes an article. Raises InvalidArticle.

    Kafka would remove a tombstone in time, and with it the precedence over feeds.
    """
    article_id, site = valid_ids(ids, InvalidArticle)
    value = encode({"article_id": article_id, "site": site, "deleted": True})
    return DecodedArticle(article_id, site, value)


def decode_placement(body: bytes, ids: Ids, by: str) -> Placement:
    """Return the placement of a request made by `by`. Raises InvalidPlacement."""
    payload, _, _ = decode_body(_PLACEMENTS, body, ids, InvalidPlacement)
    try:
        check_possible(payload)
    except InvalidEvent as error:
        raise InvalidPlacement(error.reason, str(error)) from error
    return Placement(by=by, **msgspec.structs.asdict(payload))


def empty_placement(ids: Ids, by: str) -> Placement:
    """Return the placement that leaves an article to the CMS. Raises InvalidPlacement.

    It is a record rather than a tombstone, which could not name the editor.
    """
    article_id, site = valid_ids(ids, InvalidPlacement)
    return Placement(article_id=article_id, site=site, by=by)


def stored(placement: Placement, decision_id: str) -> StoredPlacement:
    """Return a placement with its id in the log."""
    return StoredPlacement(id=decision_id, **msgspec.structs.asdict(placement))


def valid_ids(ids: Ids, invalid: Invalid) -> tuple[str, str]:
    """Return the id of an article, cleaned, and its site. Raises `invalid`."""
    article_id, site = ids.article_id, DEFAULT_SITE if ids.site is None else ids.site
    if article_id is None:
        raise invalid(
            "schema",
            "article_id is missing; send it in the body, or as `id` in the query of the address.",
        )
    article_id = _clean(article_id, invalid)
    check_site(site, invalid)
    return article_id, site


def check_site(site: str, invalid: Invalid) -> None:
    """Raise `invalid` for what is not the name of a site."""
    if not 1 <= len(site) <= 64 or not SITE_CHARACTERS.fullmatch(site):
        raise invalid("schema", "site needs 1 to 64 characters of A-Z a-z 0-9 . _ -")


def _clean(article_id: str, invalid: Invalid) -> str:
    try:
        return article_ids.clean(article_id)
    except article_ids.InvalidArticleId as error:
        raise invalid("schema", f"{error}.") from error


def decode_body(
    decoder: msgspec.json.Decoder[P], body: bytes, ids: Ids, invalid: Invalid
) -> tuple[P, str, str]:
    """Return a decoded body with its ids filled in from the address. Raises `invalid`."""
    try:
        payload = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid("schema", f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("syntax", f"The body is not JSON in UTF-8: {error}.") from error
    in_address, in_body = (
        each and _clean(each, invalid) for each in (ids.article_id, payload.article_id)
    )
    article_id, site = valid_ids(
        Ids(
            one_of("article_id", in_address, in_body, invalid),
            one_of("site", ids.site, payload.site, invalid),
        ),
        invalid,
    )
    payload.article_id = article_id
    payload.site = site
    return payload, article_id, site


def one_of(name: str, in_address: str | None, in_body: str | None, invalid: Invalid) -> str | None:
    if in_body is None:
        return in_address
    if in_address in (None, in_body):
        return in_body
    raise invalid(
        "mismatch",
        f"{name} is {in_body!r} in the body and {in_address!r} in the address; send it in one of "
        "them only.",
    )


def _milliseconds(time: float | str) -> int:
    """Return a time in milliseconds since 1970. Raises InvalidArticle."""
    if not isinstance(time, str):
        if not EARLIEST_TIMESTAMP <= time <= LATEST_TIMESTAMP or time % 1:
            raise InvalidArticle(
                "schema",
                f"published_at {time} is not in milliseconds since 1970; multiply seconds by "
                "1,000, or send an ISO 8601 time.",
            )
        return int(time)
    try:
        parsed = datetime.fromisoformat(time)
        # A naive time would mean another moment on each server.
        milliseconds = int(parsed.timestamp() * 1000) if parsed.tzinfo else -1
    except (ValueError, OverflowError):
        milliseconds = -1
    if not 0 <= milliseconds <= LATEST_TIMESTAMP:
        raise InvalidArticle(
            "schema",
            f"published_at {time[:40]!r} is not a time between 1970 and 2099; send ISO 8601 with "
            "a time zone, like 2026-11-23T09:30:00+05:00, or milliseconds since 1970.",
        )
    return milliseconds
