"""Pages that are loaded and not yet seen, in a Chromium that nobody drives."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.browser import alone
from tests.support.publisher import NEWS, TRACKER, Publisher, hosts, page
from tests.support.system import wait_until

WAIT = """<script>
    let waiting = setInterval(async () => {
        if ((await fetch("/go")).ok) { clearInterval(waiting); %s }
    }, 100);
</script>"""
RULES = '{"prerender": [{"urls": ["/prerendered"], "eagerness": "immediate"}]}'


def unattended(publisher: Publisher, path: str, directory: Path) -> AbstractContextManager[None]:
    names = hosts(publisher.newspaper, publisher.system)
    return alone(names, NEWS + path, directory / "profile")


def asked(publisher: Publisher, path: str) -> list[str]:
    """Return the Sec-Purpose of each request of a page."""
    return [purpose for asked, purpose in publisher.newspaper.asked if asked == path]


def test_a_prerendered_page_counts_when_it_is_shown(publisher: Publisher, tmp_path: Path) -> None:
    pages = publisher.newspaper.pages
    pages["/before"] = page(
        f'<script type="speculationrules">{RULES}</script>'
        + WAIT % 'location.href = "/prerendered"'
    )
    tag = f'<script async src="{TRACKER}" data-article="prerendered"></script>'
    ran = '<script>fetch("/ran-" + document.prerendering)</script>'
    pages["/prerendered"] = page(ran + tag)
    with unattended(publisher, "/before", tmp_path):
        wait_until(lambda: bool(asked(publisher, "/ran-true")), "it is prerendered")
        publisher.counts({"prerendered": (0,)})
        pages["/go"] = "now"
        publisher.counts({"prerendered": (1,)})
    assert asked(publisher, "/prerendered") == ["prefetch;prerender"]
    del pages["/go"]


def test_a_page_in_the_background_counts_when_it_is_looked_at(
    publisher: Publisher, tmp_path: Path
) -> None:
    pages = publisher.newspaper.pages
    pages["/in-front"] = page(WAIT % "window.close()")
    behind = f"""<script>
        window.open("/in-front");
        let tag = document.createElement("script");
        tag.src = "{TRACKER}";
        tag.dataset.article = "behind";
        document.addEventListener("visibilitychange", () => {{
            if (document.hidden) document.head.append(tag);
        }});
        tag.onload = () => fetch("/loaded-" + document.hidden);
    </script>"""
    pages["/behind"] = page(behind)
    with unattended(publisher, "/behind", tmp_path):
        wait_until(
            lambda: bool(asked(publisher, "/loaded-true")), "the tracker runs behind the other tab"
        )
        publisher.counts({"behind": (0,)})
        pages["/go"] = "now"
        publisher.counts({"behind": (1,)})
    del pages["/go"]
