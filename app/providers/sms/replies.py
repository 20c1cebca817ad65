"""What phones answer to our messages, as Tencent Cloud reports it: one object, or a list of them."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from app.errors import Invalid

_MOST = 200
_COUNTRY, _NUMBER = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"[0-9]{4,14}")
_LONGEST_TEXT = 500


class ReportMalformed(Invalid):
    """Not what Tencent Cloud sends."""

    code = "sms_report_malformed"


@dataclass(frozen=True)
class Reply:
    """`phone` in E.164."""

    phone: str = field(repr=False)
    text: str = field(repr=False)


def replies_in(body: bytes) -> list[Reply]:
    """Raises `ReportMalformed`; nothing of such a report counts."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ReportMalformed from None
    reports = document if isinstance(document, list) else [document]
    if len(reports) > _MOST:
        raise ReportMalformed
    return [_reply(report) for report in reports]


def _reply(report: Any) -> Reply:
    if not isinstance(report, dict):
        raise ReportMalformed
    country, number, text = report.get("nationcode"), report.get("mobile"), report.get("text")
    if not isinstance(country, str) or not isinstance(number, str) or not isinstance(text, str):
        raise ReportMalformed
    if not _COUNTRY.fullmatch(country) or not _NUMBER.fullmatch(number) or len(text) > _LONGEST_TEXT:
        raise ReportMalformed
    return Reply(f"+{country}{number}", text)
