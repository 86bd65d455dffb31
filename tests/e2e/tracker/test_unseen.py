"""Pages that are loaded and not yet seen, in a Chromium that nobody drives."""

from pathlib import Path

from browser import alone
from publisher import NEWS, Publisher, page
from system import wait_until

TAG = '<script async src="http://collect.example/tracker.js" data-article="{}"></script>'
WAIT = """<script>
    let waiting = setInterval(async () => {
        if ((await fetch("/go")).ok) { clearInterval(waiting); %s }
    }, 100);
</script>"""
RULES = '{"prerender": [{"urls": ["/prerendered"], "eagerness": "immediate"}]}'


def asked(publisher: Publisher, path: str) -> list[str]:
    """Return the Sec-Purpose of each request of a page."""
    return [purpose for asked, purpose in publisher.newspaper.asked if asked == path]


def test_a_prerendered_page_counts_when_it_is_shown(publisher: Publisher, tmp_path: Path) -> None:
    pages = publisher.newspaper.pages
    pages["/before"] = page(
        f'<script type="speculationrules">{RULES}</script>'
        + WAIT % 'location.href = "/prerendered"'
    )
    ran = '<script>fetch("/ran-" + document.prerendering)</script>'
    pages["/prerendered"] = page(ran + TAG.format("prerendered"))
    with alone(publisher.hosts, f"{NEWS}/before", tmp_path / "profile"):
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
    # The tag comes when the other tab is in front.
    tag = TAG.format("behind")
    behind = f"""<script>
        window.open("/in-front");
        document.addEventListener("visibilitychange", () => {{
            if (document.hidden)
                document.head.append(document.createRange().createContextualFragment(`{tag}`));
        }});
        let looking = setInterval(() => {{
            if (document.hidden && window.mostread) {{ clearInterval(looking); fetch("/hidden"); }}
        }}, 100);
    </script>"""
    pages["/behind"] = page(behind.replace("</script>`", "<\\/script>`"))
    with alone(publisher.hosts, f"{NEWS}/behind", tmp_path / "profile"):
        wait_until(lambda: bool(asked(publisher, "/hidden")), "the tracker runs unseen")
        publisher.counts({"behind": (0,)})
        pages["/go"] = "now"
        publisher.counts({"behind": (1,)})
    del pages["/go"]
