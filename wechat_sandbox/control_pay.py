"""Control plane, payments: what payers do on their phones, what banks do to refunds, and what gets lost or forged."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from wechat_sandbox.config import REFUNDS, SIGNERS
from wechat_sandbox.control_call import control, id_in, number_in, text_in, values_of, world_of
from wechat_sandbox.pay_desk import PAY_CANCELLED, PAY_IMPOSSIBLE, PayDesk
from wechat_sandbox.pay_notify import TWISTS
from wechat_sandbox.pay_orders import Order
from wechat_sandbox.pay_refunds import OUTCOMES

#: How often a payment is told: the words for it.
_COPIES: Final = {"once": 1, "lost": 0, "twice": 2}
_MOST_COPIES: Final = 64


async def keys(request: web.Request) -> dict[str, Any]:
    """GET /_sim/pay/keys: what the merchant downloads, and who the merchant is here"""
    desk = _desk(request)
    return {
        "platform": desk.keys.public_pems(),
        "signing": desk.notifier.serial,
        "mchid": desk.config.mchid,
        "serial": desk.config.serial,
    }


async def sign_with(request: web.Request) -> dict[str, Any]:
    """PUT /_sim/pay/sign_with ``{"sign_with": "public_key" or "certificate"}``"""
    desk, wanted = _desk(request), text_in(await values_of(request), "sign_with")
    if wanted not in SIGNERS:
        raise ValueError(f"sign_with is one of {SIGNERS}")
    desk.notifier.sign_with = wanted
    return {"signing": desk.notifier.serial}


async def orders(request: web.Request) -> dict[str, Any]:
    """GET /_sim/pay/orders"""
    now = world_of(request).clock.now()
    return {"orders": [one.as_json(now) for one in _desk(request).orders.all()]}


async def refunds(request: web.Request) -> dict[str, Any]:
    """GET /_sim/pay/refunds"""
    return {
        "refunds": [
            {
                "out_refund_no": one.out_refund_no,
                "out_trade_no": one.order.out_trade_no,
                "amount_fen": one.amount_fen,
                "status": one.status,
            }
            for one in _desk(request).refunds.all()
        ]
    }


async def request_payment(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/request ``{"user", "timeStamp", "nonceStr", "package", "signType", "paySign"}``.

    What wx.requestPayment checks before the payer sees anything. With ``errMsg`` when it will not open, else the
    order, which then waits on the phone's page.
    """
    desk, values = _desk(request), await values_of(request)
    user = world_of(request).users.named(text_in(values, "user"))
    given = {
        name: text_in(values, name) for name in ("timeStamp", "nonceStr", "package", "signType", "paySign")
    }
    signed = (given["timeStamp"], given["nonceStr"], given["package"])
    order = desk.wanted(given["package"], signed, given["paySign"]) if given["signType"] == "RSA" else None
    if order is None or order.openid != user.openid:
        return {"errMsg": PAY_IMPOSSIBLE}
    order.dismissed = False
    return {"order": order.as_json(world_of(request).clock.now())}


async def pay(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/pay ``{"prepay_id" or "out_trade_no", "notify"?, "delay_s"?, "twist"?}``: the payer pays.

    ``notify`` is once (default), twice, lost, or a number; ``delay_s`` makes it late; ``twist`` spoils it.
    """
    desk, values = _desk(request), await values_of(request)
    order, message = _order(desk, values), PAY_IMPOSSIBLE
    if _usable(request, order, values):
        message = desk.pay(
            order, twist=_twist(values), copies=_copies(values), delay_s=number_in(values, "delay_s", 0)
        )
    return {"errMsg": message, "state": order.state(world_of(request).clock.now())}


async def cancel(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/cancel ``{"prepay_id" or "out_trade_no"}``: the payer puts it away; it can still be paid."""
    order = _order(_desk(request), await values_of(request))
    order.dismissed = True
    return {"errMsg": PAY_CANCELLED, "state": order.state(world_of(request).clock.now())}


async def refund_mode(request: web.Request) -> dict[str, Any]:
    """PUT /_sim/pay/refund_mode ``{"mode": "automatic" or "manual"}``: whether refunds succeed by themselves"""
    mode = text_in(await values_of(request), "mode")
    if mode not in REFUNDS:
        raise ValueError(f"mode is one of {REFUNDS}")
    _desk(request).manual_refunds = mode == "manual"
    return {"mode": mode}


async def settle(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/settle ``{"out_refund_no", "outcome": "SUCCESS", "ABNORMAL" or "CLOSED", "notify"?, "twist"?}``"""
    desk, values = _desk(request), await values_of(request)
    refund = desk.refunds.numbered(text_in(values, "out_refund_no"))
    outcome = values.get("outcome", "SUCCESS")
    if refund is None or refund.status != "PROCESSING" or outcome not in OUTCOMES:
        raise ValueError(f"a refund that is under way is needed, and an outcome among {OUTCOMES}")
    desk.settle(refund, outcome, twist=_twist(values), copies=_copies(values))
    return {"status": refund.status}


async def notifications(request: web.Request) -> dict[str, Any]:
    """GET /_sim/pay/notifications: what was told, and how it was answered, oldest first"""
    return {"notifications": [one.as_json() for one in _desk(request).notifier.all()]}


async def drain(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/drain ``{"timeout_s"?: 10}``: wait until every notification is answered or given up"""
    timeout_s = number_in(await values_of(request), "timeout_s", 10)
    return {"drained": await _desk(request).notifier.drain(min(timeout_s, 60))}


async def replay(request: web.Request) -> dict[str, Any]:
    """POST /_sim/pay/replay ``{"id"?}``: the same bytes again (default: the newest notification)"""
    return {"answer": await _desk(request).notifier.replay(id_in(await values_of(request)))}


def _desk(request: web.Request) -> PayDesk:
    desk = world_of(request).pay
    if desk is None:
        raise ValueError("no merchant is configured")
    return desk


def _order(desk: PayDesk, values: dict[str, Any]) -> Order:
    if "prepay_id" in values:
        order = desk.orders.with_prepay_id(text_in(values, "prepay_id"))
    else:
        order = desk.orders.numbered(text_in(values, "out_trade_no"))
    if order is None:
        raise ValueError("no such order")
    return order


def _usable(request: web.Request, order: Order, values: dict[str, Any]) -> bool:
    now = world_of(request).clock.now()
    return order.usable(values["prepay_id"], now) if "prepay_id" in values else order.payable(now)


def _twist(values: dict[str, Any]) -> str:
    twist = values.get("twist", "none")
    if twist not in TWISTS:
        raise ValueError(f"twist is one of {TWISTS}")
    return str(twist)


def _copies(values: dict[str, Any]) -> int:
    wanted = values.get("notify", "once")
    copies = _COPIES.get(wanted) if isinstance(wanted, str) else wanted
    if type(copies) is not int or not 0 <= copies <= _MOST_COPIES:
        raise ValueError(f"notify is one of {sorted(_COPIES)}, or a number up to {_MOST_COPIES}")
    return copies


def add_pay_control_routes(app: web.Application) -> None:
    """Mount the part of the control plane that is about payments."""
    router = app.router
    router.add_get("/_sim/pay/keys", control(keys))
    router.add_put("/_sim/pay/sign_with", control(sign_with))
    router.add_get("/_sim/pay/orders", control(orders))
    router.add_get("/_sim/pay/refunds", control(refunds))
    router.add_post("/_sim/pay/request", control(request_payment))
    router.add_post("/_sim/pay/pay", control(pay))
    router.add_post("/_sim/pay/cancel", control(cancel))
    router.add_put("/_sim/pay/refund_mode", control(refund_mode))
    router.add_post("/_sim/pay/settle", control(settle))
    router.add_get("/_sim/pay/notifications", control(notifications))
    router.add_post("/_sim/pay/drain", control(drain))
    router.add_post("/_sim/pay/replay", control(replay))
