"""Pages that a reader does not see, or sees without JavaScript."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.browser import alone
from tests.support.publisher import COLLECT, NEWS, TRACKER, Publisher, hosts, page
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


def purposes(publisher: Publisher, path: str) -> list[str]:
    """Return the Sec-Purpose of each request for a page."""
    requests = publisher.newspaper.requests
    return [purpose for requested, purpose in requests if requested == path]


def test_prerendered_page_counts_once_shown(publisher: Publisher, tmp_path: Path) -> None:
    pages = publisher.newspaper.pages
    pages["/before"] = page(
        f'<script type="speculationrules">{RULES}</script>'
        + WAIT % 'location.href = "/prerendered"'
    )
    tag = f'<script async src="{TRACKER}" data-article="prerendered"></script>'
    ran = '<script>fetch("/ran-" + document.prerendering)</script>'
    image = f'<img src="{COLLECT}/v1/image?article_id=prerendered-image" alt="">'
    pages["/prerendered"] = page(ran + tag, image)
    with unattended(publisher, "/before", tmp_path):
        wait_until(lambda: bool(purposes(publisher, "/ran-true")), "it is prerendered")
        publisher.counts({"prerendered": (0,)})
        pages["/go"] = "now"
        # A browser does not request an image again, which the documentation says.
        publisher.counts({"prerendered": (1,), "prerendered-image": (0,)})
    assert purposes(publisher, "/prerendered") == ["prefetch;prerender"]
    del pages["/go"]


def test_background_page_counts_once_visible(publisher: Publisher, tmp_path: Path) -> None:
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
            lambda: bool(purposes(publisher, "/loaded-true")),
            "the tracker runs behind the other tab",
        )
        publisher.counts({"behind": (0,)})
        pages["/go"] = "now"
        publisher.counts({"behind": (1,)})
    del pages["/go"]


def test_pixel_counts_a_view_without_javascript(publisher: Publisher) -> None:
    pixel = f'<img src="{COLLECT}/v1/image?article_id=pictured&site=steppe" alt="">'
    publisher.newspaper.pages["/pictured"] = page("", f"<noscript>{pixel}</noscript>")
    reader = publisher.browser.new_context(java_script_enabled=False)
    tab = reader.new_page()
    for _ in range(2):  # a view and its reload
        tab.goto(f"{NEWS}/pictured")
    with_script = publisher.reader()
    with_script.new_page().goto(f"{NEWS}/pictured")
    publisher.counts({"pictured": (1,)}, site="steppe")
    reader.close()
    with_script.close()
