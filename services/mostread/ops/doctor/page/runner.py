"""Runs the checks of a page and its tags."""

import pydantic

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.sites import Sites
from mostread.ops.doctor.findings import problem
from mostread.ops.doctor.page.checks import check_page, check_tag
from mostread.ops.doctor.page.document import parse
from mostread.ops.doctor.page.fetching import Unreachable, fetch
from mostread.ops.doctor.runner import CheckResult


def inspect_page(url: str) -> list[CheckResult]:
    """Return findings about a page and each tag of it. Never raises for what the page contains."""
    try:
        answer = fetch(url)
    except Unreachable as error:
        finding = problem(f"{url} does not answer: {error}", "Correct the address.")
        return [CheckResult("page", (finding,))]
    document = parse(answer.url, answer.body, answer.policies)
    results = [CheckResult("page", tuple(check_page(answer, document)))]
    sites = _configured_sites()
    for number, tag in enumerate(document.tags, 1):
        name = "tag" if len(document.tags) == 1 else f"tag {number}"
        results.append(CheckResult(name, tuple(check_tag(document, tag, sites))))
    return results


def _configured_sites() -> Sites | None:
    """Return the sites of the collector's settings in this environment."""
    try:
        return CollectorSettings().sites
    except pydantic.ValidationError:
        return None
