"""Sending one message to one phone number.

The library's own way out knows one time-out for connecting and reading, follows redirects, reads proxies from the
environment, and says "network error" whether or not anything was sent. So it signs, and `Exchange` carries.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111.sms_client import SmsClient

from app.providers import BadAnswer, NoAnswer, ProviderRefused, ProviderUnavailable, QuotaExhausted
from app.providers.exchange import Answer, Exchange, object_in
from app.providers.sms.errors import error_for

log = logging.getLogger(__name__)

SMS_API_BASE = "https://sms.tencentcloudapi.com"
_MAX_ANSWER_BYTES = 64 * 1024
_CODE, _RID = re.compile(r"[A-Za-z][A-Za-z.]{0,99}"), re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class SmsAccount:
    """Whose messages: the key of an account that may do no more than send, its application and approved signature."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    app_id: str
    signature: str
    region: str


class TencentSms:
    """Safe to share between threads. `connections`: how many threads may send at once."""

    def __init__(
        self,
        account: SmsAccount,
        *,
        clock: Callable[[], datetime],
        base_url: str = SMS_API_BASE,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        connections: int = 16,
    ) -> None:
        self._account, self._clock = account, clock
        exchange = Exchange(
            base_url,
            max_bytes=_MAX_ANSWER_BYTES,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            connections=connections,
        )
        profile = ClientProfile(httpProfile=HttpProfile(endpoint=urlsplit(base_url).netloc))
        profile.disable_region_breaker = True
        self._library = SmsClient(Credential(account.secret_id, account.secret_key), account.region, profile)
        self._library.request = _Carrier(exchange)

    def send(self, phone: str, template: str, values: Sequence[str], *, reference: str) -> str:
        """Send to a number in E.164; the serial number Tencent Cloud gave it. `reference` comes back in its reports.

        Raises `ProviderRefused` (final), `ProviderUnavailable` (nothing was sent) or `OutcomeUnknown`.
        """
        answer = self._library._call(
            "SendSms",
            {
                "PhoneNumberSet": [phone],
                "SmsSdkAppId": self._account.app_id,
                "SignName": self._account.signature,
                "TemplateId": template,
                "TemplateParamSet": list(values),
                "SessionContext": reference,
            },
        )
        try:
            return _serial_no(answer, self._clock())
        except (ProviderRefused, ProviderUnavailable) as failure:
            level = logging.ERROR if failure.reason == "misconfigured" else logging.WARNING
            log.log(level, "sms: %s http=%s", failure, answer.status)
            raise


class _Carrier:
    """Where the library hands over a signed request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def send_request(self, signed: Any) -> Answer:
        body = signed.data.encode()
        try:
            return self._exchange.send(signed.method, "/", headers=signed.header, body=body)
        except ProviderUnavailable as failure:
            log.warning("sms: %s", failure)
            raise


def _serial_no(answer: Answer, now: datetime) -> str:
    _check_status(answer.status)
    response = _response_in(answer.body)
    if response is None:
        raise BadAnswer
    rid = _matching(_RID, response.get("RequestId"))
    error, sent = response.get("Error"), response.get("SendStatusSet")
    one = error if isinstance(error, dict) else sent[0] if isinstance(sent, list) and len(sent) == 1 else None
    code = _matching(_CODE, one.get("Code")) if isinstance(one, dict) else None
    if one is None or code is None:
        raise BadAnswer(rid=rid)
    if code != "Ok" or one is error:
        raise error_for(code, rid=rid, now=now)
    return str(one.get("SerialNo", ""))[:64]


def _check_status(status: int) -> None:
    if status == 429:
        raise QuotaExhausted(retry_after_s=1)
    if status == 504:
        raise NoAnswer  # a gateway gave up waiting for whoever has our request
    if status != 200:
        raise ProviderUnavailable(provider_code=f"http {status}")


def _response_in(body: bytes) -> dict[str, Any] | None:
    document = object_in(body, most=_MAX_ANSWER_BYTES) or {}
    response = document.get("Response")
    return response if isinstance(response, dict) else None


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
