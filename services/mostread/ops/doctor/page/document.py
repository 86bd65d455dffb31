"""Parses what the tracker reads in a page: tags, canonical address, type, policies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

SCRIPT_NAMES = ("/tracker.js", "/page.js", "/tracker.full.js", "/page.full.js")
# Without JavaScript's own view of a page these would look like the page's content.
_INERT = frozenset({"noscript", "template"})


@dataclass(frozen=True)
class Tag:
    """A script element that may be the tracker, with the settings of its address and attributes."""

    src: str
    settings: dict[str, str]
    nonce: str = ""
    is_inert: bool = False


@dataclass
class PageMetadata:
    """The parts of a page that matter to the tracker.

    `scripts` are the addresses and texts of other scripts, `policies` Content-Security-Policies.
    """

    url: str
    tags: list[Tag] = field(default_factory=list)
    canonical: str | None = None
    og_url: str | None = None
    is_og_article: bool = False
    json_ld: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    base: str = ""

    def resolve(self, address: str) -> str:
        """Return the absolute address of a link. Raises ValueError where a browser finds none."""
        return absolute(self.base or self.url, address)


def absolute(base: str, address: str) -> str:
    """Resolve an address. Raises ValueError if it has no host or a malformed one."""
    parts = urlsplit(address.strip())
    parts.port  # noqa: B018  # raises ValueError unless it is a number
    if parts.scheme in ("http", "https") and not parts.hostname:
        raise ValueError(f"{address!r} has no host")
    return urljoin(base, address.strip())


def parse(url: str, html: str, policies: Sequence[str] = ()) -> PageMetadata:
    """Parse a page; `policies` are those of its Content-Security-Policy headers."""
    parser = _Parser(PageMetadata(url, policies=list(policies)))
    # Marked sections, which HTMLParser reads as SGML did, are comments to browsers.
    parser.feed(html.replace("<![", "<! ["))
    parser.close()
    return parser.document


class _Parser(HTMLParser):
    def __init__(self, document: PageMetadata) -> None:
        super().__init__()
        self.document = document
        self._inert = 0
        self._texts: list[str] | None = None
        """The list to which the text of the open script belongs."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first one counts
        if tag in _INERT:
            self._inert += 1
        elif tag == "script":
            self._script(given)
        elif not self._inert:
            self._metadata(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag in _INERT:
            self._inert = max(0, self._inert - 1)
        elif tag == "script":
            self._texts = None

    def handle_data(self, data: str) -> None:
        if self._texts is not None:
            self._texts[-1] += data

    def _script(self, given: dict[str, str]) -> None:
        document = self.document
        if src := given.get("src"):
            try:
                address = document.resolve(src)
            except ValueError:
                return
            if urlsplit(address).path.endswith(SCRIPT_NAMES):
                settings = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
                settings |= {
                    name.removeprefix("data-"): value
                    for name, value in given.items()
                    if name.startswith("data-")
                }
                tag = Tag(address, settings, given.get("nonce", ""), bool(self._inert))
                document.tags.append(tag)
            elif not self._inert:
                document.scripts.append(address)
        elif not self._inert:
            is_json_ld = "ld+" in given.get("type", "")
            self._texts = document.json_ld if is_json_ld else document.scripts
            self._texts.append("")

    def _metadata(self, tag: str, given: dict[str, str]) -> None:
        document = self.document
        content = given.get("content", "")
        if "canonical" in given.get("rel", "").lower().split() and document.canonical is None:
            document.canonical = given.get("href", "")
        if given.get("property") == "og:url" and document.og_url is None:
            document.og_url = content
        if given.get("property") == "og:type" and content.lower() == "article":
            document.is_og_article = True
        if tag == "base" and not document.base and "href" in given:
            document.base = urljoin(document.url, given["href"])
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            document.policies.append(content)
