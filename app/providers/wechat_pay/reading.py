"""From WeChat Pay's documents to our shapes. Anything missing or of the wrong kind is a `Doubt`."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.providers.wechat_pay.merchant import Merchant
from app.providers.wechat_pay.results import NoPayment, Payment, RefundResult, RefundState, TradeState
from app.providers.wechat_pay.signatures import Doubt

S = TypeVar("S", TradeState, RefundState)

_LONGEST = 200
_PAID = "SUCCESS"


def read_order(transaction: Mapping[str, Any], merchant: Merchant) -> Payment | NoPayment:
    """A transaction as queries and notifications hold it. Raises `Doubt`, also when it is not this merchant's."""
    _same(transaction, "mchid", merchant.mchid)
    _same(transaction, "appid", merchant.appid)
    out_trade_no = text_in(transaction, "out_trade_no")
    state = text_in(transaction, "trade_state")
    if state != _PAID:
        return NoPayment(out_trade_no=out_trade_no, state=_state(TradeState, state))
    amount = _object(transaction, "amount")
    return Payment(
        appid=merchant.appid,
        mchid=merchant.mchid,
        out_trade_no=out_trade_no,
        transaction_id=text_in(transaction, "transaction_id"),
        amount_fen=_fen(amount, "total"),
        currency=text_in(amount, "currency"),
        openid=text_in(_object(transaction, "payer"), "openid"),
        success_at=_moment(transaction, "success_time"),
    )


def read_refund(refund: Mapping[str, Any], *, state: str) -> RefundResult:
    """A refund; `state` is where its state stands: `status` in answers, `refund_status` in notifications."""
    found = _state(RefundState, text_in(refund, state))
    amount = _object(refund, "amount")
    return RefundResult(
        out_trade_no=text_in(refund, "out_trade_no"),
        out_refund_no=text_in(refund, "out_refund_no"),
        refund_id=text_in(refund, "refund_id"),
        state=found,
        amount_fen=_fen(amount, "refund"),
        total_fen=_fen(amount, "total"),
        success_at=_moment(refund, "success_time") if found is RefundState.SUCCESS else None,
    )


def read_notified_refund(refund: Mapping[str, Any], merchant: Merchant) -> RefundResult:
    """A refund as a notification tells it; there it names the merchant, not the app. Raises `Doubt`."""
    _same(refund, "mchid", merchant.mchid)
    return read_refund(refund, state="refund_status")


def text_in(document: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises `Doubt`."""
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise Doubt(name)
    return value


def _same(document: Mapping[str, Any], name: str, ours: str) -> None:
    if text_in(document, name) != ours:
        raise Doubt(f"another {name}")


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise Doubt(name)
    return value


def _fen(amount: Mapping[str, Any], name: str) -> int:
    value = amount.get(name)
    if type(value) is not int or value <= 0:
        raise Doubt(f"amount.{name}")
    return value


def _state(kind: type[S], text: str) -> S:
    known = {one.value: one for one in kind}
    if text not in known:
        raise Doubt("state")
    return known[text]


def _moment(document: Mapping[str, Any], name: str) -> datetime:
    text, moment = text_in(document, name), None
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise Doubt(name)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Doubt(name) from None
