"""The log of changes: who asked a service to change what, and what came of it.

A handler sets `Request.change` once it knows who sends the request; Application then logs the
response. Requests of clients that are not known leave no line, so that nobody can fill the log.
"""

from mostread.infra.http.messages import Request
from mostread.infra.logging import CHANGES, get_logger

log = get_logger(CHANGES)

_IDS_PER_LINE = 50
_QUERY_CHARACTERS = 500
_ERROR = 400
_REFUSED = frozenset({401, 403})


def log_change(request: Request, path: str, status: int) -> None:
    """Log the response to a request, at most 50 articles of one site per line."""
    change = request.change
    if change is None:
        return
    outcome = "done" if status < _ERROR else "refused" if status in _REFUSED else "failed"
    addressed = {request.query.get("site", ""): addressed_articles(request)}
    for site, ids in (change.articles or addressed).items():
        for start in range(0, len(ids) or 1, _IDS_PER_LINE):
            log.info(
                "change",
                action=f"{request.method} {path}",
                query=request.query_string[:_QUERY_CHARACTERS],
                by=change.by,
                role=change.role,
                signed_in_by=change.signed_in_by,
                site=site,
                articles=ids[start : start + _IDS_PER_LINE],
                outcome=outcome,
                status=status,
            )


def addressed_articles(request: Request) -> list[str]:
    """Return the id of an article in the path or query of a request, if any."""
    article_id = request.path_params.get("article_id") or request.query.get("id")
    return [article_id] if article_id else []
