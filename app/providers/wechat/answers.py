"""Reading what WeChat answered: one place for both ways of asking, threads and asyncio.

WeChat says "no" with HTTP 200 and an `errcode`; what stands in front of it (gateways, proxies) says so
with a status or a page of HTML. `errmsg` is never passed on: it can repeat what we sent.
"""

import logging
import re
from datetime import datetime
from typing import Any

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.exchange import object_in
from app.providers.wechat.errors import (
    BadAnswer,
    GatewayError,
    Misconfigured,
    NoAnswer,
    QuotaExhausted,
    error_for,
)

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 64 * 1024
#: Of a mini-program code, which comes instead of JSON; one of 430 pixels has some 100 KB.
MAX_PICTURE_BYTES = 1024 * 1024
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

_RID = re.compile(r"rid:? ?([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})\b")
_FIELD = re.compile(r"\bdata\.([a-z_]{1,20}[0-9]{0,3})\b")


def read_answer(path: str, status: int, body: bytes, *, now: datetime) -> dict[str, Any]:
    """The JSON object of a successful answer.

    `path` is the endpoint without its query. Raises a `ProviderRefused` or `ProviderUnavailable`, after
    writing the error number and WeChat's request id to the log.
    """
    failure: ProviderRefused | ProviderUnavailable | None = _status_failure(status)
    if failure is None:
        answer = object_in(body, most=MAX_ANSWER_BYTES)
        if answer is None:
            failure = BadAnswer()
        else:
            failure = _errcode_failure(path, answer, now)
            if failure is None:
                return answer
    report(path, failure, status=status)
    raise failure


def read_picture(path: str, status: int, body: bytes, *, now: datetime) -> bytes:
    """PNG or JPEG. Raises as `read_answer`: WeChat refuses in JSON."""
    if status == 200 and body.startswith(_PICTURES) and len(body) <= MAX_PICTURE_BYTES:
        return body
    read_answer(path, status, body, now=now)
    failure = BadAnswer()
    report(path, failure, status=status)
    raise failure


def report(path: str, failure: ProviderRefused | ProviderUnavailable, *, status: int | None = None) -> None:
    """One log line for one failed call; a wrong setting is an error, everything else a warning."""
    level = logging.ERROR if isinstance(failure, Misconfigured) else logging.WARNING
    log.log(
        level,
        "wechat %s: %s errcode=%s rid=%s http=%s",
        path,
        failure.reason,
        failure.provider_code,
        failure.rid,
        status,
    )


def _status_failure(status: int) -> ProviderUnavailable | None:
    if status == 200:
        return None
    if status == 429:
        return QuotaExhausted(retry_after_s=60)
    if status == 504:
        return NoAnswer()  # a gateway gave up waiting for whoever has our request
    # Redirects land here too: following one would hand token and secret to another host.
    return GatewayError()


def _errcode_failure(
    path: str, answer: dict[str, Any], now: datetime
) -> ProviderRefused | ProviderUnavailable | None:
    errcode = answer.get("errcode", 0)  # absent on some successes
    if type(errcode) is not int:
        return BadAnswer()
    if errcode == 0:
        return None
    errmsg = str(answer.get("errmsg", ""))[:1000]
    rid, field = _RID.search(errmsg), _FIELD.search(errmsg)
    return error_for(path, errcode, rid=rid and rid.group(1), field=field and field.group(1), now=now)
