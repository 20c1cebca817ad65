"""The endpoints of api.mch.weixin.qq.com that this sandbox knows."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from wechat_sandbox.pay_call import Answer, PayCall, pay_endpoint
from wechat_sandbox.pay_errors import PayError
from wechat_sandbox.pay_orders import Order
from wechat_sandbox.pay_refunds import Refund
from wechat_sandbox.pay_requests import (
    ORDER_NUMBER,
    REFUND_NUMBER,
    address,
    currency,
    end_of,
    fen,
    optional_text,
    text,
)


async def prepay(call: PayCall) -> Answer:
    """POST /v3/pay/transactions/jsapi"""
    body, desk = call.body(), call.desk
    if text(body, "/mchid", 32) != desk.config.mchid:
        raise PayError("MCH_NOT_EXISTS", "/mchid")
    if text(body, "/appid", 32) != desk.app_id:
        raise PayError("APPID_MCHID_NOT_MATCH", "/appid")
    order = _order(call, body)
    prepay_id = desk.next_prepay_id()
    desk.orders.open(order, prepay_id, call.now)
    return 200, {"prepay_id": prepay_id}


def _order(call: PayCall, body: dict[str, Any]) -> Order:
    openid = text(body, "/payer/openid", 128)
    if call.world.users.with_openid(openid) is None:
        raise PayError("PARAM_ERROR", "/payer/openid")
    currency(body, required=False)
    optional_text(body, "/attach", 128)
    known = call.desk.orders.numbered(str(body.get("out_trade_no")))
    again = known is not None and known.request == body
    return Order(
        out_trade_no=text(body, "/out_trade_no", 32, ORDER_NUMBER),
        request=body,
        openid=openid,
        total_fen=fen(body, "/amount/total"),
        description=text(body, "/description", 127),
        notify_url=address(text(body, "/notify_url", 255)) or "",
        expires_at=known.expires_at if known is not None and again else end_of(body, call.now),
        opened_at=call.now,
    )


async def query(call: PayCall) -> Answer:
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid="""
    if call.query.get("mchid") != call.desk.config.mchid:
        raise PayError("PARAM_ERROR", "/mchid")
    return 200, call.desk.transaction(_numbered(call))


async def close(call: PayCall) -> Answer:
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close"""
    if text(call.body(), "/mchid", 32) != call.desk.config.mchid:
        raise PayError("MCH_NOT_EXISTS", "/mchid")
    order = _numbered(call)
    if order.paid_at is not None:
        raise PayError("ORDERPAID")
    order.closed = True
    return 204, None


async def refund(call: PayCall) -> Answer:
    """POST /v3/refund/domestic/refunds"""
    body, desk = call.body(), call.desk
    order = desk.orders.numbered(text(body, "/out_trade_no", 32, ORDER_NUMBER))
    if order is None:
        raise PayError("RESOURCE_NOT_EXISTS", "/out_trade_no")
    currency(body, required=True)
    optional_text(body, "/reason", 80)
    if fen(body, "/amount/total") != order.total_fen:
        raise PayError("INVALID_REQUEST", "/amount/total")
    asked = Refund(
        out_refund_no=text(body, "/out_refund_no", 64, REFUND_NUMBER),
        order=order,
        request=body,
        amount_fen=fen(body, "/amount/refund"),
        refund_id=desk.next_refund_id(),
        notify_url=address(optional_text(body, "/notify_url", 255)),
        created_at=call.now,
    )
    accepted, is_new = desk.refunds.accept(asked, call.now)
    answer = accepted.as_answer()
    if is_new and not desk.manual_refunds:
        asyncio.get_running_loop().call_soon(desk.settle, accepted, "SUCCESS")
    return 200, answer


async def query_refund(call: PayCall) -> Answer:
    """GET /v3/refund/domestic/refunds/{out_refund_no}"""
    found = call.desk.refunds.numbered(call.numbers["out_refund_no"])
    if found is None:
        raise PayError("RESOURCE_NOT_EXISTS")
    return 200, found.as_answer()


async def unknown(_: PayCall) -> Answer:
    """Any other path: counted, and not there."""
    raise PayError("RESOURCE_NOT_EXISTS", status=404)


def _numbered(call: PayCall) -> Order:
    order = call.desk.orders.numbered(call.numbers["out_trade_no"])
    if order is None:
        raise PayError("ORDER_NOT_EXIST")
    return order


def add_pay_routes(app: web.Application) -> None:
    """Mount the endpoints."""
    router = app.router
    order = "/v3/pay/transactions/out-trade-no/{out_trade_no}"
    router.add_post("/v3/pay/transactions/jsapi", pay_endpoint(prepay))
    router.add_get(order, pay_endpoint(query), allow_head=False)
    router.add_post(f"{order}/close", pay_endpoint(close))
    router.add_post("/v3/refund/domestic/refunds", pay_endpoint(refund))
    router.add_get(
        "/v3/refund/domestic/refunds/{out_refund_no}", pay_endpoint(query_refund), allow_head=False
    )
    router.add_get("/v3/certificates", pay_endpoint(unknown), allow_head=False)
    router.add_route("*", "/v3/{rest:.*}", pay_endpoint(unknown))
