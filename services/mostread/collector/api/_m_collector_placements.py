"""What an editor decides about an article: schemas/placement.schema.json as a request says it."""

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.api import _m_collector_named as named
from mostread.core.editorial.placements import Decision, Placement, check_possible


class SentDecision(Decision, kw_only=True):
    """A decision; `article_id` and `site` may be left to the address. Who decides is not said."""

    article_id: str | UnsetType = UNSET
    site: str | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(SentDecision)
encode = msgspec.json.Encoder().encode


def decode(body: bytes, article_id: str, site: str, by: str) -> Placement:
    """Return the decision of a request, complete; `by` is who asks. Raises InvalidEvent."""
    said = named.decode(_DECODER, body, article_id, site)
    check_possible(said)
    return Placement(by=by, **msgspec.structs.asdict(said))


def none_any_more(article_id: str, site: str, by: str) -> Placement:
    """Return the decision that leaves an article to the CMS. Raises InvalidEvent.

    It is a record of its own and no tombstone, which could not say who took it back.
    """
    named.check_name(article_id, site)
    return Placement(article_id=article_id, site=site, by=by)
