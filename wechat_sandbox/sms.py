"""Tencent Cloud's SendSms, as far as our client uses it: POST / with a TC3-HMAC-SHA256 signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from wechat_sandbox.config import Sms
from wechat_sandbox.control_call import world_of
from wechat_sandbox.letters import Letter

_REQUEST: Final = "tc3_request"
_FRESH_S: Final = 300


def proven(headers: Mapping[str, str], body: bytes, *, secret_id: str, secret_key: str, now: float) -> bool:
    """Whether the request is a fresh SendSms that this key signed."""
    stamp = headers.get("X-TC-Timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) >= _FRESH_S:
        return False
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    asked = "\n".join(
        [
            "POST",
            "/",
            "",
            f"content-type:{headers.get('Content-Type', '')}",
            f"host:{headers.get('Host', '')}",
            "",
            "content-type;host",
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{day}/sms/{_REQUEST}"
    text = "\n".join(["TC3-HMAC-SHA256", stamp, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"TC3{secret_key}".encode()
    for part in (day, "sms", _REQUEST):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    wanted = f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    named = (headers.get("X-TC-Action"), headers.get("X-TC-Version")) == ("SendSms", "2021-01-11")
    return named and hmac.compare_digest(headers.get("Authorization", "").encode(), wanted.encode())


def said(response: dict[str, Any], request_id: str = "3c140219-cfe9-470e-b241-907877d6fb03") -> bytes:
    """As Tencent Cloud wraps every answer."""
    return json.dumps({"Response": {"RequestId": request_id, **response}}).encode()


async def send_sms(request: web.Request) -> web.Response:
    """One SMS to one number. Which templates were approved is Tencent's to know: any is taken here."""
    world, body = world_of(request), await request.read()
    sms = world.config.sms
    if sms is None:
        raise web.HTTPNotFound
    if not proven(
        request.headers, body, secret_id=sms.secret_id, secret_key=sms.secret_key, now=world.clock.now()
    ):
        return _answer({"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "…"}})
    asked = json.loads(body)
    [number] = asked["PhoneNumberSet"]
    text = _worded(sms, asked)
    world.letters.take(Letter(kind="sms", to=number, subject="", text=text, at=world.clock.now()))
    serial = f"2645:{world.next_msgid()}"
    return _answer({"SendStatusSet": [{"SerialNo": serial, "PhoneNumber": number, "Code": "Ok", "Fee": 1}]})


def _worded(sms: Sms, asked: Mapping[str, Any]) -> str:
    """The template with its places filled in; of one that is not configured, its number and what was to go in."""
    values = [str(one) for one in asked.get("TemplateParamSet") or ()]
    template = sms.templates.get(str(asked["TemplateId"]))
    if template is None:
        words = f"{asked['TemplateId']}: {', '.join(values)}"
    else:
        words = re.sub(r"\{([0-9]{1,2})\}", lambda at: "".join(values[int(at[1]) - 1 : int(at[1])]), template)
    return f"【{asked['SignName']}】{words}"


def _answer(response: dict[str, Any]) -> web.Response:
    return web.Response(body=said(response), content_type="application/json")
