"""What we send and hand to phones is signed as WeChat Pay's pages say: checked with the bare key, not the library."""

import base64
import json
import re
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from paying import (
    CERTIFICATE,
    KEY_ID,
    MCHID,
    MERCHANT_KEY,
    NOTIFY_URL,
    ORDER_NO,
    PLATFORM_KEYS,
    SERIAL,
    order,
    pays,
    public_der,
    transaction,
)
from scripted_wechat import APPID, OPENID

PREPAY = "/v3/pay/transactions/jsapi"
PREPAY_ID = "wx201410272009395522657a690389285100"


def verify(signature, message):
    MERCHANT_KEY.public_key().verify(base64.b64decode(signature), message, padding.PKCS1v15(), SHA256())


def authorization(request):
    scheme, _, rest = request.headers["Authorization"].partition(" ")
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))


def test_a_request_is_signed_over_its_own_bytes(pay, wechat):
    wechat.on(PREPAY, pays({"prepay_id": PREPAY_ID}))
    pay.prepay(**order())

    (request,) = wechat.requests
    given = authorization(request)
    assert (given["mchid"], given["serial_no"]) == (MCHID, SERIAL)
    assert abs(datetime.now(UTC).timestamp() - int(given["timestamp"])) < 60
    signed = f"POST\n{PREPAY}\n{given['timestamp']}\n{given['nonce_str']}\n".encode() + request.body + b"\n"
    verify(given["signature"], signed)
    with pytest.raises(InvalidSignature):
        verify(given["signature"], signed.replace(b"20000", b"20001"))


@pytest.mark.parametrize("number", [ORDER_NO, "a|b*c-d_e"])
def test_a_question_is_signed_over_the_address_as_it_travels(pay, wechat, number):
    wechat.on(
        "/v3/pay/transactions/out-trade-no/" + number.replace("|", "%7C").replace("*", "%2A"),
        pays(transaction(out_trade_no=number)),
    )
    assert pay.query(number).out_trade_no == number

    (request,) = wechat.requests
    given = authorization(request)
    verify(
        given["signature"], f"GET\n{request.target}\n{given['timestamp']}\n{given['nonce_str']}\n\n".encode()
    )
    assert request.target.endswith(f"?mchid={MCHID}")
    assert request.body == b""


def test_no_two_requests_have_one_nonce(pay, wechat):
    wechat.on(PREPAY, pays({"prepay_id": PREPAY_ID}))
    for _ in range(3):
        pay.prepay(**order())
    assert len({authorization(request)["nonce_str"] for request in wechat.requests}) == 3


def test_an_order_says_what_the_pages_ask_for(pay, wechat):
    wechat.on(PREPAY, pays({"prepay_id": PREPAY_ID}))
    expires_at = datetime(2026, 11, 22, 7, 4, 5, tzinfo=UTC)
    assert pay.prepay(**order(expires_at=expires_at)) == PREPAY_ID

    (request,) = wechat.requests
    assert json.loads(request.body) == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "青禾茶饮 会员储值",
        "out_trade_no": ORDER_NO,
        "time_expire": "2026-11-22T15:04:05+08:00",
        "notify_url": NOTIFY_URL,
        "amount": {"total": 20_000, "currency": "CNY"},
        "payer": {"openid": OPENID},
    }
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"]
    assert request.content_type == "application/json"


def test_the_phone_gets_parameters_signed_for_this_app(pay):
    params = pay.client_params(PREPAY_ID, datetime(2026, 11, 22, 7, 4, 5, tzinfo=UTC)).as_json()

    assert params.keys() == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert params["timeStamp"] == "1795331045"
    assert params["package"] == f"prepay_id={PREPAY_ID}"
    assert params["signType"] == "RSA"
    signed = f"{APPID}\n{params['timeStamp']}\n{params['nonceStr']}\n{params['package']}\n"
    verify(params["paySign"], signed.encode())


def test_what_is_no_prepay_id_is_not_signed(pay):
    for text in ("", "wx1\nforged", "wx1&x=1", "x" * 65):
        with pytest.raises(ValueError):
            pay.client_params(text, datetime.now(UTC))


def test_answers_are_asked_for_under_the_public_key_when_one_is_listed_first(make_pay, wechat):
    wechat.on(PREPAY, pays({"prepay_id": PREPAY_ID}))
    keys = {name: public_der(key) for name, key in PLATFORM_KEYS.items()}
    by_certificate = {name: keys[name] for name in (CERTIFICATE, KEY_ID)}
    make_pay().prepay(**order())
    make_pay({"public_keys": by_certificate}).prepay(**order())

    asked = [request.headers.get("Wechatpay-Serial") for request in wechat.requests]
    assert asked == [KEY_ID, None]
