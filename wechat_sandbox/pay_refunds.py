"""Refunds: accepted is not done. The same number with the same contents is the same refund."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from wechat_sandbox.pay_errors import PayError
from wechat_sandbox.pay_orders import Order, rfc3339

MOST_PER_ORDER: Final = 50
ORDER_AGE_S: Final = 365 * 86_400
OUTCOMES: Final = ("SUCCESS", "ABNORMAL", "CLOSED")


@dataclass
class Refund:
    """One refund of an order. ``notify_url`` None: nobody is told."""

    out_refund_no: str
    order: Order
    request: dict[str, Any]
    amount_fen: int
    refund_id: str
    notify_url: str | None
    created_at: float
    status: str = "PROCESSING"
    success_at: float | None = field(default=None)

    def settle(self, outcome: str, now: float) -> None:
        """What became of it; a closed refund gives the amount free again."""
        self.status = outcome
        if outcome == "SUCCESS":
            self.success_at = now
        if outcome == "CLOSED":
            self.order.refunded_fen -= self.amount_fen

    def as_answer(self) -> dict[str, Any]:
        """As the merchant's calls see it."""
        return self._common() | {
            "status": self.status,
            "channel": "ORIGINAL",
            "create_time": rfc3339(self.created_at),
            "funds_account": "AVAILABLE",
            "amount": self._amount()
            | {
                "currency": "CNY",
                "settlement_total": self.order.total_fen,
                "settlement_refund": self.amount_fen,
                "discount_refund": 0,
            },
        }

    def as_notified(self, mchid: str) -> dict[str, Any]:
        """As notifications show it: other names, the merchant, no currency."""
        return self._common() | {"mchid": mchid, "refund_status": self.status, "amount": self._amount()}

    def _common(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.order.transaction_id,
            "out_trade_no": self.order.out_trade_no,
            "user_received_account": "支付用户零钱",
        }
        if self.success_at is not None:
            found["success_time"] = rfc3339(self.success_at)
        return found

    def _amount(self) -> dict[str, Any]:
        total, given_back = self.order.total_fen, self.amount_fen
        return {"total": total, "refund": given_back, "payer_total": total, "payer_refund": given_back}


class Refunds:
    """All refunds, by their number."""

    def __init__(self) -> None:
        self._by_number: dict[str, Refund] = {}

    def all(self) -> list[Refund]:
        """Oldest first."""
        return list(self._by_number.values())

    def numbered(self, out_refund_no: str) -> Refund | None:
        """The refund of that number."""
        return self._by_number.get(out_refund_no)

    def accept(self, refund: Refund, now: float) -> tuple[Refund, bool]:
        """The refund of that number, and whether it is a new one. Raises PayError."""
        known = self._by_number.get(refund.out_refund_no)
        if known is not None:
            if known.request != refund.request:
                raise PayError("INVALID_REQUEST", "/out_refund_no")
            return known, False
        order = refund.order
        if order.paid_at is None or now - order.paid_at > ORDER_AGE_S:
            raise PayError("INVALID_REQUEST", "/out_trade_no")
        earlier = sum(one.order is order for one in self._by_number.values())
        if order.refunded_fen + refund.amount_fen > order.total_fen or earlier >= MOST_PER_ORDER:
            raise PayError("INVALID_REQUEST", "/amount/refund")
        order.refunded_fen += refund.amount_fen
        self._by_number[refund.out_refund_no] = refund
        return refund, True
