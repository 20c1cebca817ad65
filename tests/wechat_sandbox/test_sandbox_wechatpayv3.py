"""A second opinion: wechatpayv3, which others wrote, against this sandbox."""

import json
from typing import Any

import signing_merchant
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import WeChatPay, WeChatPayType


def test_the_library_orders_asks_closes_refunds_and_reads(merchant: Any, receiver: Any) -> None:
    keys = merchant.sandbox.get("/_sim/pay/keys")
    private = signing_merchant.KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    library = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=signing_merchant.MCHID,
        private_key=private,
        cert_serial_no=signing_merchant.SERIAL,
        appid=merchant.app_id,
        apiv3_key=signing_merchant.APIV3_KEY,
        notify_url=merchant.notify_url,
        public_key=keys["platform"][keys["signing"]],
        public_key_id=keys["signing"],
        timeout=(2, 10),
    )
    library._core._gate_way = merchant.sandbox.url  # it has no other way to be pointed elsewhere

    order = merchant.order()
    status, answer = library.pay(
        description="会员储值", out_trade_no="T-000001", amount=order["amount"], payer=order["payer"]
    )
    assert (status, "prepay_id" in json.loads(answer)) == (200, True)
    merchant.pay()
    merchant.drain()
    (push,) = receiver.pushes
    told = library.callback(dict(push.headers), push.body)
    assert told["resource"]["out_trade_no"] == "T-000001"
    assert library.query(out_trade_no="T-000001")[0] == 200
    amount = {"refund": 500, "total": 20_000, "currency": "CNY"}
    status, answer = library.refund(out_refund_no="R-1", amount=amount, out_trade_no="T-000001")
    assert (status, json.loads(answer)["status"]) == (200, "PROCESSING")
    assert library.query_refund("R-1")[0] == 200
    assert library.close("T-000001")[0] == 400
