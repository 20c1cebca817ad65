"""Orders of one merchant: opened, paid, closed, and what they look like from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from wechat_sandbox.pay_errors import PayError

PREPAY_LIFETIME_S: Final = 7_200
BEIJING: Final = timezone(timedelta(hours=8))
_STATE_TEXTS: Final = {
    "SUCCESS": "支付成功",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "REFUND": "转入退款",
}


@dataclass
class Order:
    """One order. ``request`` is what opened it; ``dismissed`` means that the payer put it away for now."""

    out_trade_no: str
    request: dict[str, Any]
    openid: str = field(repr=False)
    total_fen: int
    description: str
    notify_url: str
    expires_at: float | None
    opened_at: float
    prepay_ids: dict[str, float] = field(default_factory=dict, repr=False)
    paid_at: float | None = None
    closed: bool = False
    transaction_id: str | None = None
    refunded_fen: int = 0
    dismissed: bool = False

    def state(self, now: float) -> str:
        """The platform's word. That an order past its end reads as closed at once is a guess."""
        if self.paid_at is not None:
            return "REFUND" if self.refunded_fen else "SUCCESS"
        ended = self.expires_at is not None and now >= self.expires_at
        return "CLOSED" if self.closed or ended else "NOTPAY"

    def usable(self, prepay_id: str, now: float) -> bool:
        """Whether this prepay_id still opens the till on a phone."""
        return self.state(now) == "NOTPAY" and now < self.prepay_ids.get(prepay_id, 0.0)

    def payable(self, now: float) -> bool:
        """Whether any of its prepay_ids still opens the till."""
        return any(self.usable(one, now) for one in self.prepay_ids)

    def as_transaction(self, app_id: str, mchid: str, now: float) -> dict[str, Any]:
        """As queries and notifications show it."""
        state = self.state(now)
        amount: dict[str, Any] = {"total": self.total_fen, "currency": "CNY"}
        found: dict[str, Any] = {
            "appid": app_id,
            "mchid": mchid,
            "out_trade_no": self.out_trade_no,
            "trade_state": state,
            "trade_state_desc": _STATE_TEXTS[state],
            "amount": amount,
            "payer": {"openid": self.openid},
            "attach": self.request.get("attach", ""),
        }
        if self.paid_at is not None:
            amount |= {"payer_total": self.total_fen, "payer_currency": "CNY"}
            found |= {
                "transaction_id": self.transaction_id,
                "trade_type": "JSAPI",
                "bank_type": "OTHERS",
                "success_time": rfc3339(self.paid_at),
            }
        return found

    def as_json(self, now: float) -> dict[str, Any]:
        """For the control plane."""
        return {
            "out_trade_no": self.out_trade_no,
            "state": self.state(now),
            "openid": self.openid,
            "total_fen": self.total_fen,
            "refunded_fen": self.refunded_fen,
            "description": self.description,
            "transaction_id": self.transaction_id,
            "prepay_ids": list(self.prepay_ids),
            "dismissed": self.dismissed,
        }


class Orders:
    """All orders, by their number and by their prepay_ids."""

    def __init__(self) -> None:
        self._by_number: dict[str, Order] = {}
        self._by_prepay_id: dict[str, Order] = {}

    def all(self) -> list[Order]:
        """Oldest first."""
        return list(self._by_number.values())

    def numbered(self, out_trade_no: str) -> Order | None:
        """The order of that number."""
        return self._by_number.get(out_trade_no)

    def with_prepay_id(self, prepay_id: str) -> Order | None:
        """The order that this prepay_id was given for."""
        return self._by_prepay_id.get(prepay_id)

    def open(self, order: Order, prepay_id: str, now: float) -> None:
        """Take a new order, or hand out another prepay_id for the same one. Raises PayError.

        The same contents may come again; a number with other contents, or of a paid order, is used.
        """
        known = self._by_number.setdefault(order.out_trade_no, order)
        if known.paid_at is not None or known.request != order.request:
            raise PayError("OUT_TRADE_NO_USED")
        if known.state(now) == "CLOSED":
            raise PayError("ORDER_CLOSED")
        known.dismissed = False
        known.prepay_ids[prepay_id] = now + PREPAY_LIFETIME_S
        self._by_prepay_id[prepay_id] = known


def rfc3339(moment: float) -> str:
    """As the platform writes times: Beijing time, to the second."""
    return datetime.fromtimestamp(moment, BEIJING).isoformat(timespec="seconds")
