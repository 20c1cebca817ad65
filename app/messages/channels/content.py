"""What a message says by each channel, checked and frozen when it is planned: `params[...]`, read again to send it.

    {"wechat":   {"template_id", "page", "data"}}     by subscribe message or official account
    {"sms":      {"template", "values"}}
    {"email":    {"subject", "text", "html"}}

Receipts by WeChat have none: their words are made from what the inbox would say (`app/messages/receipt.py`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Invalid
from app.providers.wechat import fit_fields

_LONGEST_PAGE, _LONGEST_TEMPLATE = 1024, 64
#: Tencent Cloud takes a dozen values; a signature and a text of 500 characters are a long message already.
_MOST_VALUES, _LONGEST_VALUE = 12, 100
_LONGEST_SUBJECT, _LONGEST_BODY = 200, 200_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class ContentImpossible(Invalid):
    """What cannot be sent by that channel. Data: `field`."""

    code = "message_content_impossible"


def wechat_content(
    template_id: str,
    page: str | None,
    texts: Mapping[str, str],
    *,
    choices: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, Any]:
    """Of a subscribe message, or a template message of the official account: their fields follow the same rules.

    Prose is shortened to its field; `page` is one of the mini-program. Raises `FieldInvalid`, `ContentImpossible`.
    """
    _bounded("template_id", template_id, _LONGEST_TEMPLATE)
    if page is not None:
        _bounded("page", page, _LONGEST_PAGE)
    return {"wechat": {"template_id": template_id, "page": page, "data": fit_fields(texts, choices=choices)}}


def sms_content(template: str, values: Sequence[str]) -> dict[str, Any]:
    """The number of a template that the provider approved, and what goes into its places, in order."""
    _bounded("template", template, _LONGEST_TEMPLATE)
    if len(values) > _MOST_VALUES:
        raise ContentImpossible(field="values")
    for value in values:
        _bounded("values", value, _LONGEST_VALUE)
    return {"sms": {"template": template, "values": list(values)}}


def email_content(subject: str, text: str, html: str | None = None) -> dict[str, Any]:
    """A letter: plain text always, the same in HTML if there is more to it."""
    _bounded("subject", subject, _LONGEST_SUBJECT)
    if "\n" in subject or "\r" in subject:
        raise ContentImpossible(field="subject")
    _bounded("text", text, _LONGEST_BODY)
    if html is not None:
        _bounded("html", html, _LONGEST_BODY)
    return {"email": {"subject": subject, "text": text, "html": html}}


def _bounded(field: str, text: str, longest: int) -> None:
    if not 0 < len(text) <= longest or _CONTROL.search(text):
        raise ContentImpossible(field=field)
