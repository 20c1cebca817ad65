"""WeChat Pay of one merchant: its orders and refunds, and what payers and banks do to them."""

from __future__ import annotations

from typing import Any, Final

from wechat_sandbox.clock import Clock
from wechat_sandbox.config import Pay
from wechat_sandbox.draw import Draw
from wechat_sandbox.pay_crypto import PlatformKeys, verify
from wechat_sandbox.pay_notify import Notifier
from wechat_sandbox.pay_orders import Order, Orders
from wechat_sandbox.pay_refunds import Refund, Refunds

PAY_OK: Final = "requestPayment:ok"
PAY_CANCELLED: Final = "requestPayment:fail cancel"
PAY_IMPOSSIBLE: Final = "requestPayment:fail"


class PayDesk:
    """Orders, refunds, notifications. ``manual_refunds``: they wait for the control plane to decide."""

    def __init__(self, config: Pay, keys: PlatformKeys, *, app_id: str, clock: Clock, draw: Draw) -> None:
        self.config = config
        self.keys = keys
        self.app_id = app_id
        self.orders = Orders()
        self.refunds = Refunds()
        self.notifier = Notifier(config, keys, draw)
        self.manual_refunds = config.refunds == "manual"
        self._clock, self._draw = clock, draw

    def next_prepay_id(self) -> str:
        """36 characters, as the platform's are."""
        return "wx" + self._digits("prepay_id", 18) + self._draw.fresh("prepay", 8).hex()

    def next_refund_id(self) -> str:
        """28 digits."""
        return "503" + self._digits("refund_id", 25)

    def next_nonce(self) -> str:
        """For answers and their request ids."""
        return self._draw.fresh("pay_nonce", 16).hex().upper()

    def transaction(self, order: Order) -> dict[str, Any]:
        """As queries and notifications show it."""
        return order.as_transaction(self.app_id, self.config.mchid, self._clock.now())

    def wanted(self, package: str, signed: tuple[str, str, str], signature: str) -> Order | None:
        """The order that ``wx.requestPayment`` may open: signed by the merchant, and still to be paid."""
        if not verify(self.config.public_key, signature, self.app_id, *signed):
            return None
        prepay_id = package.removeprefix("prepay_id=")
        order = self.orders.with_prepay_id(prepay_id)
        return order if order is not None and order.usable(prepay_id, self._clock.now()) else None

    def pay(self, order: Order, *, twist: str = "none", copies: int = 1, delay_s: float = 0.0) -> str:
        """The payer pays; returns what ``wx.requestPayment`` says. ``copies`` 0: the notification gets lost."""
        now = self._clock.now()
        if order.state(now) != "NOTPAY":
            return PAY_IMPOSSIBLE
        order.paid_at = now
        order.transaction_id = "42" + self._digits("transaction_id", 26)
        self.notifier.post(
            "TRANSACTION.SUCCESS",
            self.transaction(order),
            order.notify_url,
            number=order.out_trade_no,
            now=now,
            twist=twist,
            copies=copies,
            delay_s=delay_s,
        )
        return PAY_OK

    def settle(self, refund: Refund, outcome: str, *, twist: str = "none", copies: int = 1) -> None:
        """The bank decides: SUCCESS, ABNORMAL or CLOSED; the merchant is told."""
        now = self._clock.now()
        refund.settle(outcome, now)
        if refund.notify_url is not None:
            self.notifier.post(
                f"REFUND.{outcome}",
                refund.as_notified(self.config.mchid),
                refund.notify_url,
                number=refund.out_refund_no,
                now=now,
                twist=twist,
                copies=copies,
            )

    def _digits(self, kind: str, count: int) -> str:
        return f"{int.from_bytes(self._draw.fresh(kind, 16)) % 10**count:0{count}d}"
