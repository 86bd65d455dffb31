"""Descriptions of articles from CSV or NDJSON files."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from mostread.collector.api.payloads import ArticlePayload, Ids, decode_article
from mostread.core.article_ids import InvalidArticleId, of_url
from mostread.core.editorial.articles import Source
from mostread.errors import InvalidArticle, InvalidFile
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.articles.item import Description
from mostread.ops.articles.publisher import ArticlePublisher
from mostread.ops.imports.files import Columns, invalid_lines, parse_file

_encode = msgspec.json.Encoder().encode
_LISTS = ("authors", "tags")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_file(content: bytes, name: str, site: str) -> list[Description]:
    """Return the descriptions of a file, checked as the collector does.

    Lines without a site get `site`; lines without an id, that of their url. Raises InvalidFile
    with the invalid lines.
    """
    descriptions: list[Description] = []
    errors: list[str] = []
    for line in parse_file(content, name, _COLUMNS):
        try:
            if isinstance(line.content, str):
                raise ValueError(line.content)
            descriptions.append(_description(line.content, site))
        except (ValueError, InvalidArticle) as error:
            errors.append(f"line {line.number}: {error}")
    if errors:
        raise invalid_lines(errors)
    if not descriptions:
        raise InvalidFile("the file contains no articles")
    return descriptions


async def send(settings: ArticlesSettings, descriptions: Sequence[Description]) -> None:
    """Send the descriptions of a file. Raises MostreadError."""
    async with aiohttp.ClientSession() as session:
        rejected = await ArticlePublisher(session, settings).describe(descriptions, Source.CMS)
    if rejected:
        first = rejected[0]
        raise InvalidFile(
            f"the collector rejected {len(rejected):,} of {len(descriptions):,} articles; the "
            f"first is {descriptions[first.index]['article_id']!r}: {first.detail}"
        )


def _description(fields: Mapping[str, Any], site: str) -> Description:
    """Return a valid description. Raises ValueError or InvalidArticle."""
    description = {"site": site} | {k: v for k, v in fields.items() if v is not None}
    if "article_id" not in description:
        url = description.get("url")
        if not isinstance(url, str):
            raise ValueError("there is neither an article_id nor a url")
        try:
            description["article_id"] = of_url(url)
        except InvalidArticleId as error:
            raise ValueError(f"no article_id can be derived from the url: {error}") from error
    decode_article(_encode(description), Ids())
    return description


def _parse_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a CSV line; empty cells are absent. Raises ValueError."""
    fields: dict[str, Any] = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    for name in _LISTS & fields.keys():
        fields[name] = [part.strip() for part in fields[name].split("|") if part.strip()]
    if re.fullmatch(r"-?[0-9]{1,19}", fields.get("published_at", "")):
        fields["published_at"] = int(fields["published_at"])
    if "pinned" in fields:
        if not re.fullmatch(r"[0-9]{1,3}", fields["pinned"]):
            raise ValueError(f"pinned is {fields['pinned']!r}; write a rank from 1 to 100")
        fields["pinned"] = int(fields["pinned"])
    if "hidden" in fields:
        hidden = _BOOLEANS.get(fields["hidden"].lower())
        if hidden is None:
            raise ValueError(f"hidden is {fields['hidden']!r}; write true or false")
        fields["hidden"] = hidden
    return fields


_COLUMNS = Columns(ArticlePayload.__struct_fields__, ("title",), _parse_cells)
