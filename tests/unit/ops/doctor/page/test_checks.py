"""Findings about a page's status, the id and the site of its tag."""

import pytest

from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.doctor.page.checks import check_page, check_tag
from mostread.ops.doctor.page.document import parse
from mostread.ops.doctor.page.fetching import Answer

URL = "https://news.example/here"
# No collector listens at port 1; these findings need none.
TAG = '<script async src="http://127.0.0.1:1/tracker.js" data-article="{}"></script>'


def page_findings(status: int, html: str) -> list[Finding]:
    return list(check_page(Answer(URL, status, html, False, (), ""), parse(URL, html)))


def problems_of(tag: str) -> str:
    document = parse(URL, tag)
    findings = check_tag(document, document.tags[0], None)
    return "\n".join(finding.message for finding in findings if finding.level is Level.PROBLEM)


def test_error_page_without_a_tag_needs_another_address() -> None:
    (finding,) = page_findings(404, "<h1>Not found</h1>")
    assert finding.message == f"the page has no tracker tag, and {URL} answers 404"
    assert finding.advice.startswith("Correct the address")


def test_error_page_with_a_tag_should_leave_it_out() -> None:
    (finding,) = page_findings(404, TAG.format("a"))
    assert finding.level is Level.WARNING
    assert "leave its tag out" in finding.advice


@pytest.mark.parametrize(
    "article",
    ["{{id}}", "${id}", "{id}", "#{id}", "{% id %}", "<%= id %>", "<?= $id ?>", "[[id]]", "%ID%",
     "a-{{ id }}", "None", "nil"],
)  # fmt: skip
def test_unfilled_template_is_a_problem(article: str) -> None:
    assert f"the id {article!r} in data-article looks like" in problems_of(TAG.format(article))


def test_unfilled_template_in_the_canonical_address_is_a_problem() -> None:
    html = (
        TAG.replace('data-article="{}"', "")
        + '<meta property="og:type" content="article"><link rel=canonical href="/a/{{slug}}">'
    )
    assert "the id '/a/{{slug}}' in link rel=canonical looks like" in problems_of(html)


@pytest.mark.parametrize("article", ["/дала?id=5", "%D0%B0", "a [1]", "1 < 2", "no-nil"])
def test_id_with_marks_is_no_template(article: str) -> None:
    assert "template" not in problems_of(TAG.format(article))


@pytest.mark.parametrize("site", ["", "{{site}}", "my site", "спорт", "s" * 65])
def test_invalid_site_is_a_problem(site: str) -> None:
    tag = TAG.format('a" data-site="' + site)
    assert f"the collector refuses the site {site!r}" in problems_of(tag)


def test_valid_site_is_no_problem() -> None:
    assert "site" not in problems_of(TAG.format('a" data-site="sport.kz_1'))
