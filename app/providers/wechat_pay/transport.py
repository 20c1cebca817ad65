"""One call of WeChat Pay's API: signed, carried, its answer believed or not, failures sorted and reported."""

import json
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from app.providers import BadAnswer, ProviderRefused, ProviderUnavailable
from app.providers.exchange import Answer, Exchange, object_in
from app.providers.wechat_pay.errors import Misconfigured, error_for
from app.providers.wechat_pay.library import SERIAL, Library
from app.providers.wechat_pay.merchant import Merchant, public_keys_of
from app.providers.wechat_pay.signatures import SIGNATURE_TYPE, Doubt, check_answer

log = logging.getLogger(__name__)

WECHAT_PAY_API_BASE: Final = "https://api.mch.weixin.qq.com"
MAX_ANSWER_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_RID: Final = re.compile(r"[0-9A-Za-z-]{1,80}")
_PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"


class PayTransport:
    """Safe to share between threads. `clock` dates our requests, and says how old an answer is."""

    def __init__(
        self,
        merchant: Merchant,
        library: Library,
        *,
        clock: Callable[[], datetime],
        base_url: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        connections: int,
    ) -> None:
        self._merchant, self._library, self._clock = merchant, library, clock
        self._keys = public_keys_of(merchant)
        self._exchange = Exchange(
            base_url,
            max_bytes=MAX_ANSWER_BYTES,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            connections=connections,
        )

    def call(
        self,
        name: str,
        method: str,
        target: str,
        *,
        body: Mapping[str, Any] | None = None,
        success: int = 200,
    ) -> dict[str, Any]:
        """The JSON object of a successful answer; empty when `success` is 204.

        `name` is for the log, `target` the path and query as they travel. Raises `ProviderRefused` or
        `ProviderUnavailable`; once the request is out, whatever is not a readable no is an `OutcomeUnknown`.
        """
        sent = b"" if body is None else _to_json(body)
        answer: Answer | None = None
        try:
            answer = self._exchange.send(
                method, target, headers=self._headers(method, target, sent), body=sent
            )
            return self._believed(answer, success)
        except (ProviderRefused, ProviderUnavailable) as sorted_failure:
            failure = sorted_failure
        _report(name, failure, answer)
        raise failure

    def close(self) -> None:
        self._exchange.close()

    def _headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        timestamp, nonce = str(int(self._clock().timestamp())), secrets.token_hex(16)
        signature = self._library.sign([method, target, timestamp, nonce, body.decode()])
        signed = (
            f'mchid="{self._merchant.mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self._merchant.serial}"'
        )
        headers = {
            "Authorization": f"{SIGNATURE_TYPE} {signed}",
            "Accept": "application/json",
            "User-Agent": "member-center",
        }
        if body:
            headers["Content-Type"] = "application/json"
        wanted = next(iter(self._keys))
        if wanted.startswith(_PUBLIC_KEY_ID):
            headers[SERIAL] = wanted  # without it, WeChat Pay signs with the platform certificate
        return headers

    def _believed(self, answer: Answer, success: int) -> dict[str, Any]:
        rid = _match(_RID, answer.headers.get("Request-ID"))
        document = object_in(answer.body, most=MAX_ANSWER_BYTES)
        if answer.status != success:
            # Not signed in every case, so not checked: TLS says who speaks, and a lie can only say no.
            raise error_for(answer.status, _match(_CODE, (document or {}).get("code")), rid=rid)
        try:
            check_answer(answer.headers, answer.body, keys=self._keys, now=self._clock())
            doubt = None
        except Doubt as found:
            doubt = str(found)
        if doubt is not None:
            log.error("wechat pay: an answer is not believed: %s", doubt)
        if doubt is not None or (document is None and success != 204):
            raise BadAnswer(rid=rid)
        return document or {}


def _match(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _to_json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _report(name: str, failure: ProviderRefused | ProviderUnavailable, answer: Answer | None) -> None:
    """One log line for one failed call; a wrong setting is an error, everything else a warning."""
    level = logging.ERROR if isinstance(failure, Misconfigured) else logging.WARNING
    status = None if answer is None else answer.status
    log.log(
        level,
        "wechat pay %s: %s code=%s rid=%s http=%s",
        name,
        failure.reason,
        failure.provider_code,
        failure.rid,
        status,
    )
