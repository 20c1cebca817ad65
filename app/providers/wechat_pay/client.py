"""WeChat Pay for a mini-program: order, look, close, refund, and what it calls us with.

Numbers are the caller's and make every call repeatable: after an `OutcomeUnknown`, repeat with the same
numbers and contents, or ask. Source: WeChat Pay's pages for JSAPI and mini-program payments, API version 3.
"""

import logging
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeVar
from urllib.parse import quote

from app.providers import BadAnswer
from app.providers.places import Places
from app.providers.wechat_pay.errors import OrderClosed
from app.providers.wechat_pay.library import Library
from app.providers.wechat_pay.merchant import Merchant
from app.providers.wechat_pay.notifications import NotificationReader
from app.providers.wechat_pay.reading import read_order, read_refund, text_in
from app.providers.wechat_pay.results import ClientParams, NoPayment, Payment, RefundResult
from app.providers.wechat_pay.signatures import Doubt
from app.providers.wechat_pay.transport import WECHAT_PAY_API_BASE, PayTransport

log = logging.getLogger(__name__)
T = TypeVar("T")

CURRENCY: Final = "CNY"
_PREPAY: Final = "/v3/pay/transactions/jsapi"
_ORDER: Final = "/v3/pay/transactions/out-trade-no/"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_ORDER_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_REFUND_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_PREPAY_ID: Final = re.compile(r"[0-9A-Za-z_\-]{1,64}")
#: Without settings that say how many threads there are.
_FEW_PLACES: Final = 4
_CHINA: Final = timezone(timedelta(hours=8))


class WechatPay:
    """Safe to share between threads. Raises `ValueError` for keys that are none.

    Methods that ask WeChat Pay raise `ProviderRefused` or `ProviderUnavailable`, see
    `app.providers.wechat_pay.errors`, and `ValueError` for arguments that cannot be right: then nothing was asked.
    Whoever calls while a person waits takes one of `places` first.
    """

    def __init__(
        self,
        merchant: Merchant,
        *,
        clock: Callable[[], datetime],
        base_url: str = WECHAT_PAY_API_BASE,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        connections: int = 32,
        places: Places | None = None,
    ) -> None:
        self.places = places or Places(_FEW_PLACES)
        self._merchant = merchant
        self._library = Library(merchant)
        self._notifications = NotificationReader(merchant, self._library)
        self._transport = PayTransport(
            merchant,
            self._library,
            clock=clock,
            base_url=base_url,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            connections=connections,
        )

    def prepay(
        self, *, out_trade_no: str, amount_fen: int, description: str, openid: str, expires_at: datetime
    ) -> str:
        """Opens an order, and returns its prepay_id, good for two hours.

        The same order may be opened again with the same contents, for a fresh prepay_id.
        """
        body = {
            "appid": self._merchant.appid,
            "mchid": self._merchant.mchid,
            "description": _text(description, "description", 127),
            "out_trade_no": _matching(_ORDER_NUMBER, out_trade_no, "out_trade_no"),
            "time_expire": _rfc3339(expires_at),
            "notify_url": self._merchant.notify_url,
            "amount": {"total": _fen(amount_fen, "amount_fen"), "currency": CURRENCY},
            "payer": {"openid": _text(openid, "openid", 128)},
        }
        answer = self._transport.call("prepay", "POST", _PREPAY, body=body)
        return self._read(lambda: _prepay_id(answer))

    def client_params(self, prepay_id: str, now: datetime) -> ClientParams:
        """What the mini-program hands to `wx.requestPayment`, signed; asks nobody."""
        package = f"prepay_id={_matching(_PREPAY_ID, prepay_id, 'prepay_id')}"
        time_stamp, nonce_str = str(int(now.timestamp())), secrets.token_hex(16)
        signature = self._library.sign([self._merchant.appid, time_stamp, nonce_str, package])
        return ClientParams(time_stamp=time_stamp, nonce_str=nonce_str, package=package, pay_sign=signature)

    def query(self, out_trade_no: str) -> Payment | NoPayment:
        """How an order stands. `NotFound` when WeChat Pay does not know it."""
        target = f"{_order_path(out_trade_no)}?mchid={self._merchant.mchid}"
        answer = self._transport.call("query", "GET", target)
        found = self._read(lambda: read_order(answer, self._merchant))
        return self._asked_for(found, found.out_trade_no == out_trade_no)

    def close(self, out_trade_no: str) -> None:
        """Nobody can pay this order any more; one that is closed already is left so.

        `OrderPaid` when it is too late, `PaymentUnderWay` when the payer is about to.
        """
        target, body = f"{_order_path(out_trade_no)}/close", {"mchid": self._merchant.mchid}
        try:
            self._transport.call("close", "POST", target, body=body, success=204)
        except OrderClosed:
            return

    def refund(
        self, *, out_trade_no: str, out_refund_no: str, amount_fen: int, total_fen: int, reason: str
    ) -> RefundResult:
        """Gives back `amount_fen` of the `total_fen` that were paid. Accepted is not done: look at `state`.

        Safe to repeat with the same refund number and contents, also after an `OutcomeUnknown`; never repeat
        it under another number.
        """
        if amount_fen > total_fen:
            raise ValueError("amount_fen is more than was paid")
        body = {
            "out_trade_no": _matching(_ORDER_NUMBER, out_trade_no, "out_trade_no"),
            "out_refund_no": _matching(_REFUND_NUMBER, out_refund_no, "out_refund_no"),
            "reason": _text(reason, "reason", 80),
            "notify_url": self._merchant.notify_url,
            "amount": {
                "refund": _fen(amount_fen, "amount_fen"),
                "total": _fen(total_fen, "total_fen"),
                "currency": CURRENCY,
            },
        }
        answer = self._transport.call("refund", "POST", _REFUNDS, body=body)
        found = self._read(lambda: read_refund(answer, state="status"))
        same = (found.out_trade_no, found.out_refund_no, found.amount_fen, found.total_fen)
        return self._asked_for(found, same == (out_trade_no, out_refund_no, amount_fen, total_fen))

    def query_refund(self, out_refund_no: str) -> RefundResult:
        """How a refund stands. `NotFound` when WeChat Pay does not know it."""
        number = quote(_matching(_REFUND_NUMBER, out_refund_no, "out_refund_no"), safe="")
        answer = self._transport.call("query_refund", "GET", f"{_REFUNDS}/{number}")
        found = self._read(lambda: read_refund(answer, state="status"))
        return self._asked_for(found, found.out_refund_no == out_refund_no)

    def read_notification(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Payment | RefundResult:
        """What WeChat Pay's POST says; `body` is the raw bytes. Raises `NotificationRejected`; asks nobody."""
        return self._notifications.read(headers, body, now)

    def close_connections(self) -> None:
        """Closes the connections that are kept open."""
        self._transport.close()

    def _read(self, read: Callable[[], T]) -> T:
        """A signed answer that does not hold what it must is as good as none."""
        try:
            return read()
        except Doubt as doubt:
            log.error("wechat pay: a signed answer cannot be used: %s", doubt)
        raise BadAnswer

    def _asked_for(self, found: T, it_is: bool) -> T:
        if not it_is:
            raise BadAnswer
        return found


def _prepay_id(answer: Mapping[str, Any]) -> str:
    found = text_in(answer, "prepay_id")
    if not _PREPAY_ID.fullmatch(found):
        raise Doubt("prepay_id")
    return found


def _order_path(out_trade_no: str) -> str:
    return _ORDER + quote(_matching(_ORDER_NUMBER, out_trade_no, "out_trade_no"), safe="")


def _matching(pattern: re.Pattern[str], text: str, name: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{name} cannot be one")
    return text


def _text(text: str, name: str, longest: int) -> str:
    if not 0 < len(text) <= longest or any(unicodedata.category(one).startswith("C") for one in text):
        raise ValueError(f"{name} needs 1 to {longest} characters, none of control")
    return text


def _fen(fen: int, name: str) -> int:
    if type(fen) is not int or fen <= 0:
        raise ValueError(f"{name} is a whole number above 0")
    return fen


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("expires_at needs its time zone")
    return moment.astimezone(_CHINA).isoformat(timespec="seconds")
