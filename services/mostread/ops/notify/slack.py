"""Messages in the format of Slack's incoming webhooks, which Mattermost and others accept too."""

import re

from mostread.ops.notify.wording import StoryLine, Wording

_MAX_TEXT = 12_000
"""Characters of a text; Slack cuts it beyond 40,000."""

_CONTROLS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Slack has no escapes for what begins bold, italic, struck or monospaced text, nor for addresses,
# which it makes links; an invisible character beside it prevents that.
_FORMATS = re.compile(r"([*_~`]|://)")
_WORD_JOINER = "\u2060"


def slack_document(wording: Wording) -> dict[str, object]:
    """Return the JSON of a message."""
    return {"text": _mrkdwn(wording), "unfurl_links": False, "unfurl_media": False}


def escape(text: str) -> str:
    """Return text that Slack shows as it is: no mention, link or format."""
    for character, entity in _CONTROLS.items():
        text = text.replace(character, entity)
    return _FORMATS.sub(rf"{_WORD_JOINER}\1{_WORD_JOINER}", text)


def link(url: str, text: str) -> str:
    """Return a link; what would end it is percent-encoded in the URL."""
    for character in "|<> ":
        url = url.replace(character, f"%{ord(character):02X}")
    return f"<{url.replace('&', '&amp;')}|{escape(text)}>"


def _mrkdwn(wording: Wording) -> str:
    parts = [f"*{escape(wording.subject)}*", *map(escape, wording.remarks)]
    for block in wording.blocks:
        if block.heading:
            parts.append(f"*{escape(block.heading)}*")
        parts += [_line(each) for each in block.lines]
    shown: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > _MAX_TEXT:
            shown.append("…")
            break
        shown.append(part)
    return "\n".join([*shown, link(wording.list_page, wording.list_link)])


def _line(line: StoryLine) -> str:
    number = f"{line.number}. " if line.number is not None else "• "
    public = f" {link(line.url, '↗')}" if line.url else ""
    return f"{number}{link(line.page, line.title)}{public} {escape(' · '.join(line.facts))}"
