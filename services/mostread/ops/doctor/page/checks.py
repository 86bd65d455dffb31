"""Checks of a page: what its tags count, and what keeps them from it."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from mostread.collector.pipeline.event import DEFAULT_SITE, SITE_CHARACTERS
from mostread.collector.pipeline.sites import Sites
from mostread.core.article_ids import InvalidArticleId
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.doctor.page import policy
from mostread.ops.doctor.page.detection import DetectedArticle, article_of
from mostread.ops.doctor.page.document import PageMetadata, Tag
from mostread.ops.doctor.page.fetching import Answer, Unreachable, fetch, probe_collector

_DOCS = "docs/how-to/tracker.md"
MAX_SITE = 64
# {{id}}, ${id}, {id}, <%= id %>, [[id]], %ID%, and what Python and Ruby print for no value.
_UNFILLED = re.compile(r"[{<].*[}>]|\[\[.*\]\]|^(%[A-Za-z_]+%|None|nil)$")
_LOCAL = re.compile(r"127\.|.*::1|.*localhost$")
_TAG = '<script async src="https://collect.example.com/tracker.js"></script>'


def check_page(answer: Answer, document: PageMetadata) -> Iterator[Finding]:
    """Check what concerns the page and all its tags."""
    if answer.status != 200 and document.tags:
        yield warning(
            f"{document.url} answers {answer.status}",
            "The tracker also counts error pages; leave its tag out of them.",
        )
    if answer.is_cut:
        yield warning(
            f"only the first {len(answer.body):,} bytes of the page were read",
            "Move the tag and the metadata into the page's head.",
        )
    if not document.tags:
        yield _without_tag(answer, document)


def _without_tag(answer: Answer, document: PageMetadata) -> Finding:
    if answer.status != 200:
        return problem(
            f"the page has no tracker tag, and {document.url} answers {answer.status}",
            "Correct the address; error pages need no tag.",
        )
    if any("mostreadTag" in script for script in document.scripts):
        return warning(
            "the page configures the tracker by mostreadTag, which only a browser can read",
            f"Add data-debug to the dataset and read the console: {_DOCS}.",
        )
    if any("googletagmanager.com" in script for script in document.scripts):
        return warning(
            "the page has no tracker tag, but a tag manager that may add one",
            f"Add data-debug to the tag and read the console: {_DOCS}.",
        )
    return problem(
        "the page has no tracker tag", f"Add {_TAG}, with the address of your collector: {_DOCS}."
    )


def check_tag(document: PageMetadata, tag: Tag, sites: Sites | None) -> Iterator[Finding]:
    """Check one tag: its article, whether it may run and send, and the collector's rules."""
    if tag.is_inert:
        yield problem(f"{tag.src} stands in <noscript> or <template>", "Move the tag out of it.")
        return
    article, findings = _article(document, tag)
    yield from findings
    blocking = [*_off(document, tag), *_blocked(document, tag), *_refused(document, tag, sites)]
    yield from blocking
    if article is not None and article.id is not None:
        kind = tag.settings.get("type") or "view"
        site = tag.settings.get("site") or DEFAULT_SITE
        counts = "would count" if blocking else "counts"
        yield ok(f"{counts} a {kind} of {article.id!r}, site {site!r}; id from {article.reason}")


def _article(document: PageMetadata, tag: Tag) -> tuple[DetectedArticle | None, Sequence[Finding]]:
    try:
        article = article_of(document, tag)
    except InvalidArticleId as error:
        return None, [problem(f"the collector refuses the id: {error}", "Correct the id.")]
    findings = []
    if article.id is None and "article" in tag.settings:
        findings.append(
            warning(
                f"no article: {article.reason}",
                "Fill in the id, or call mostread.view(id) when the page knows it.",
            )
        )
    elif article.id is None:
        findings.append(
            warning(
                f"no article: {article.reason}",
                'Add <meta property="og:type" content="article">, or the id as data-article. '
                "Other pages need not count.",
            )
        )
    if article.broken:
        findings.append(
            problem(
                f"{article.broken}, which is not an address; the id is the path of the page",
                "Correct the address in the page's template.",
            )
        )
    if article.id is not None and _UNFILLED.search(article.id):
        findings.append(
            problem(
                f"the id {article.id!r} in {article.reason} looks like an unfilled template",
                "Fill in the id where the page is rendered; otherwise all articles are one.",
            )
        )
    if article.id == "/" and urlsplit(document.url).path not in ("", "/"):
        findings.append(
            problem(
                f"the address of the home page in {article.reason} makes all articles one",
                "Set it to the article's own address.",
            )
        )
    return article, findings


def _off(document: PageMetadata, tag: Tag) -> Iterator[Finding]:
    host = urlsplit(document.url).hostname or ""
    if _LOCAL.match(host) and "localhost" not in tag.settings:
        yield problem(f"not counted at {host}", "Add data-localhost for development.")


def _blocked(document: PageMetadata, tag: Tag) -> Iterator[Finding]:
    page, src = document.url, tag.src
    if page.startswith("https:") and src.startswith("http:"):
        yield problem(f"browsers block {src} on a page with HTTPS", "Load the script with https.")
        return
    if directive := policy.forbids_script(document.policies, page, src, tag.nonce):
        yield problem(
            f"the Content-Security-Policy forbids {src}: {directive}",
            "Allow the collector's origin in script-src, or give the tag the policy's nonce.",
        )
    events = urljoin(src, "v1/items")
    if directive := policy.forbids_connection(document.policies, page, events):
        yield problem(
            f"the Content-Security-Policy forbids sending to {events}: {directive}",
            "Allow the collector's origin in connect-src.",
        )


def _refused(document: PageMetadata, tag: Tag, sites: Sites | None) -> Iterator[Finding]:
    try:
        yield from _wrong_script(tag.src)
        yield from _wrong_script(urljoin(tag.src, "page.full.js"))
        yield from _wrong_collector(document, tag)
    except Unreachable as error:
        yield problem(
            f"the collector of {tag.src} does not answer: {error}",
            "Correct the address, or start the collector.",
        )
    site = tag.settings.get("site", DEFAULT_SITE)
    if not SITE_CHARACTERS.fullmatch(site) or len(site) > MAX_SITE:
        yield problem(
            f"the collector refuses the site {site!r}",
            f"Set data-site to 1 to {MAX_SITE} characters of A-Z a-z 0-9 . _ -, or leave it out.",
        )
        return
    if sites is None:
        return
    origin = _origin(document.url)
    if sites.named is not None and site not in sites.named:
        yield problem(
            f"the collector does not count the site {site!r}",
            f"Set data-site to one of {', '.join(sites.named)}, or add it to "
            "MOSTREAD_COLLECTOR_SITES.",
        )
    elif not sites[site].allows_origin(origin):
        yield problem(
            f"the collector drops events of {site!r} from {origin}",
            "Add the origin to the site's in MOSTREAD_COLLECTOR_SITES or "
            "MOSTREAD_COLLECTOR_ORIGINS.",
        )


def _wrong_script(address: str) -> Iterator[Finding]:
    answer = fetch(address)
    if answer.status != 200 or "mostread" not in answer.body:
        yield problem(
            f"{address} answers {answer.status}, not with the tracker",
            "Correct the address, and let the proxy pass it to the collector.",
        )


def _wrong_collector(document: PageMetadata, tag: Tag) -> Iterator[Finding]:
    address = urljoin(tag.src, "v1/items")
    origin = _origin(document.url)
    answer = probe_collector(address, origin)
    # An empty list of events: nothing that could be counted.
    if answer.status != 400 or "no-valid-event" not in answer.body:
        yield problem(
            f"POST {address} answers {answer.status}, unlike a collector",
            "Let the proxy pass it to the collector.",
        )
    elif _origin(address) != origin and answer.allowed_origin not in ("*", origin):
        yield problem(
            f"{address} allows no requests from {origin}",
            "Let the proxy pass the collector's Access-Control headers.",
        )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()
