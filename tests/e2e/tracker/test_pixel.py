"""A reader without JavaScript, counted by a picture."""

from tests.support.publisher import COLLECT, NEWS, Publisher, page


def test_the_picture_counts_where_no_script_runs(publisher: Publisher) -> None:
    pixel = f'<img src="{COLLECT}/v1/pixel.gif?article_id=pictured&site=steppe" alt="">'
    publisher.newspaper.pages["/pictured"] = page("", f"<noscript>{pixel}</noscript>")
    reader = publisher.browser.new_context(java_script_enabled=False)
    tab = reader.new_page()
    for _ in range(2):  # a view and a reload of it
        tab.goto(f"{NEWS}/pictured")
    with_script = publisher.reader()
    with_script.new_page().goto(f"{NEWS}/pictured")
    publisher.counts({"pictured": (1,)}, site="steppe")
    reader.close()
    with_script.close()
