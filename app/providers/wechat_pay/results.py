"""What WeChat Pay says about orders and refunds, in our shapes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TradeState(StrEnum):
    """How an order stands when it is not, or no longer simply, paid."""

    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    REFUND = "REFUND"
    """It was paid, and all or some of it was given back or is about to be: the refunds say how much."""


class RefundState(StrEnum):
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    """Given up: the money stayed with the merchant. Another refund needs another number."""
    ABNORMAL = "ABNORMAL"
    """The payer's account takes no money: somebody has to deal with it in the merchant's console."""


@dataclass(frozen=True, kw_only=True)
class Payment:
    """An order that is paid. The client has compared app and merchant; the business compares number, amount and
    currency with its own order before it hands anything out."""

    appid: str
    mchid: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    currency: str
    openid: str = field(repr=False)
    success_at: datetime


@dataclass(frozen=True, kw_only=True)
class NoPayment:
    """An order that must not be treated as paid now."""

    out_trade_no: str
    state: TradeState


@dataclass(frozen=True, kw_only=True)
class RefundResult:
    """How a refund stands. `success_at` is there when `state` is SUCCESS."""

    out_trade_no: str
    out_refund_no: str
    refund_id: str
    state: RefundState
    amount_fen: int
    total_fen: int
    success_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClientParams:
    """What the mini-program hands to `wx.requestPayment`."""

    time_stamp: str
    nonce_str: str
    package: str = field(repr=False)
    pay_sign: str = field(repr=False)
    sign_type: str = "RSA"

    def as_json(self) -> dict[str, str]:
        """By the names `wx.requestPayment` knows."""
        return {
            "timeStamp": self.time_stamp,
            "nonceStr": self.nonce_str,
            "package": self.package,
            "signType": self.sign_type,
            "paySign": self.pay_sign,
        }
