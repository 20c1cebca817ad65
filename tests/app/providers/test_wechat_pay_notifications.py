"""What WeChat Pay calls us with, and what only looks like it: only the true one is opened, and nobody is asked."""

import json
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paying import (
    APIV3_KEY,
    CERTIFICATE,
    KEY_ID,
    MCHID,
    MERCHANT_KEY,
    ORDER_NO,
    PLATFORM_KEYS,
    REFUND_NO,
    SERIAL,
    STRANGERS_KEY,
    TRANSACTION_ID,
    notification,
    public_pem,
    signed_headers,
    transaction,
)
from scripted_wechat import APPID, OPENID, clock
from wechatpayv3 import WeChatPay, WeChatPayType

from app.providers.wechat_pay import NotificationRejected, Payment, RefundResult, RefundState
from app.providers.wechat_pay.notifications import MAX_NOTIFICATION_BYTES

NOTIFIED_REFUND = {
    "mchid": MCHID,
    "transaction_id": TRANSACTION_ID,
    "out_trade_no": ORDER_NO,
    "refund_id": "50300001234202611221234567890",
    "out_refund_no": REFUND_NO,
    "refund_status": "SUCCESS",
    "success_time": "2026-11-22T16:04:05+08:00",
    "user_received_account": "支付用户零钱",
    "amount": {"total": 20_000, "refund": 500, "payer_total": 20_000, "payer_refund": 500},
}


def rejected(pay, headers, body, now=None):
    with pytest.raises(NotificationRejected) as caught:
        pay.read_notification(headers, body, now or clock())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return True


def test_a_payment_is_read(pay):
    body = notification()
    assert pay.read_notification(signed_headers(body), body, clock()) == Payment(
        appid=APPID,
        mchid=MCHID,
        out_trade_no=ORDER_NO,
        transaction_id=TRANSACTION_ID,
        amount_fen=20_000,
        currency="CNY",
        openid=OPENID,
        success_at=datetime(2026, 11, 22, 7, 4, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("event", "changes", "state"),
    [
        ("REFUND.SUCCESS", {}, RefundState.SUCCESS),
        ("REFUND.ABNORMAL", {"refund_status": "ABNORMAL", "success_time": None}, RefundState.ABNORMAL),
        ("REFUND.CLOSED", {"refund_status": "CLOSED", "success_time": None}, RefundState.CLOSED),
    ],
)
def test_a_refund_is_read(pay, event, changes, state):
    body = notification(NOTIFIED_REFUND | changes, event=event, kind="refund")
    found = pay.read_notification(signed_headers(body), body, clock())
    assert isinstance(found, RefundResult)
    assert (found.out_refund_no, found.out_trade_no, found.state) == (REFUND_NO, ORDER_NO, state)
    assert (found.amount_fen, found.total_fen) == (500, 20_000)
    assert (found.success_at is not None) == (state is RefundState.SUCCESS)


def test_certificates_and_public_keys_may_both_sign_while_changing_over(pay):
    body = notification()
    for key_id in (KEY_ID, CERTIFICATE):
        assert pay.read_notification(signed_headers(body, key_id=key_id), body, clock()).amount_fen == 20_000


def test_one_listed_key_does_not_vouch_for_another(pay):
    body = notification()
    headers = signed_headers(body, key_id=KEY_ID, key=PLATFORM_KEYS[CERTIFICATE])
    assert rejected(pay, headers, body)


def test_the_names_of_headers_may_be_written_in_any_case(pay):
    body = notification()
    headers = {name.lower(): value for name, value in signed_headers(body).items()}
    assert pay.read_notification(headers, body, clock()).out_trade_no == ORDER_NO


def test_a_repetition_is_read_again(pay):
    body = notification()
    headers = signed_headers(body)
    first, second = (pay.read_notification(headers, body, clock()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("age_s", "read"), [(299, True), (300, False), (3_600, False), (-299, True), (-300, False)]
)
def test_what_is_five_minutes_old_or_ahead_is_turned_down(pay, age_s, read):
    now, body = datetime(2026, 11, 22, 7, 10, tzinfo=UTC), notification()
    headers = signed_headers(body, timestamp=int(now.timestamp()) - age_s)
    if read:
        assert pay.read_notification(headers, body, now).amount_fen == 20_000
    else:
        assert rejected(pay, headers, body, now)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Wechatpay-Serial", ""),
        ("Wechatpay-Serial", "F" * 40),
        ("Wechatpay-Serial", KEY_ID.lower()),
        ("Wechatpay-Serial", "zz"),
        ("Wechatpay-Serial", SERIAL),
        ("Wechatpay-Signature-Type", ""),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
        ("Wechatpay-Timestamp", ""),
        ("Wechatpay-Timestamp", "now"),
        ("Wechatpay-Timestamp", "-5"),
        ("Wechatpay-Timestamp", "١٢٣"),
        ("Wechatpay-Timestamp", "9" * 400),
        ("Wechatpay-Nonce", ""),
        ("Wechatpay-Nonce", "x" * 129),
        ("Wechatpay-Nonce", "0Ab1Cd2Ef4"),
        ("Wechatpay-Signature", ""),
        ("Wechatpay-Signature", "no base64!"),
        ("Wechatpay-Signature", "A" * 344),
        ("Wechatpay-Signature", "A" * 10_000),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/" + "A" * 325),
    ],
)
def test_odd_headers_are_turned_down_and_nobody_is_asked(pay, wechat, name, value):
    body = notification()
    assert rejected(pay, signed_headers(body, **{name: value}), body)
    assert wechat.requests == []


@pytest.mark.parametrize(
    "name",
    [
        "Wechatpay-Serial",
        "Wechatpay-Signature-Type",
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Signature",
    ],
)
def test_a_missing_header_is_turned_down(pay, wechat, name):
    body = notification()
    headers = signed_headers(body)
    del headers[name]
    assert rejected(pay, headers, body)
    assert wechat.requests == []


def test_a_probe_is_told_apart_from_a_forgery(pay, caplog):
    body = notification()
    rejected(pay, signed_headers(body, **{"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + "A" * 325}), body)
    assert caplog.messages == ["wechat pay notification rejected: probe"]


def test_the_librarys_other_spellings_of_headers_open_no_way_around_the_list(pay, wechat):
    """It prefers Django's names: a caller who sends both would be judged by one serial and believed by another."""
    body = notification()
    stranger = signed_headers(body, key=STRANGERS_KEY, **{"Wechatpay-Serial": "F" * 40})
    smuggled = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in stranger.items()}
    assert pay.read_notification({**signed_headers(body), **smuggled}, body, clock()).out_trade_no == ORDER_NO
    headers = {**signed_headers(body, **{"Wechatpay-Nonce": "another"}), **smuggled}
    assert rejected(pay, headers, body)
    assert wechat.requests == []


def test_the_library_alone_would_ask_for_certificates(wechat, monkeypatch):
    """The control: the same callback without our list, and a stranger has made us send a signed request."""
    monkeypatch.setattr(
        "wechatpayv3.core.Core.request", lambda core, path, **_: wechat.requests.append(path) or (500, "")
    )
    private = MERCHANT_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    alone = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        appid=APPID,
        mchid=MCHID,
        private_key=private,
        cert_serial_no=SERIAL,
        apiv3_key=APIV3_KEY,
        public_key=public_pem(PLATFORM_KEYS[KEY_ID]),
        public_key_id=KEY_ID,
    )
    body = notification()
    alone.callback(signed_headers(body, key=STRANGERS_KEY, **{"Wechatpay-Serial": "F" * 40}), body)
    assert wechat.requests == ["/v3/certificates"]
    hour_old = signed_headers(body, timestamp=int(time.time()) - 3_600)
    assert alone.callback(hour_old, body)["resource"]["out_trade_no"] == ORDER_NO


def cut(body):
    return body[: len(body) // 2]


def with_resource(**changes):
    document = json.loads(notification())
    document["resource"] |= changes
    return json.dumps(document).encode()


BODIES = {
    "empty": b"",
    "cut": cut(notification()),
    "not JSON": b"<xml/>",
    "a list": b"[]",
    "a number": b"7",
    "deep": b"[" * 30_000,
    "no resource": notification(resource=None),
    "resource is a text": notification(resource="x"),
    "another resource type": notification(resource_type="plain"),
    "another algorithm": with_resource(algorithm="NONE"),
    "no nonce": with_resource(nonce=""),
    "odd nonce": with_resource(nonce="x"),
    "nonce is a number": with_resource(nonce=12),
    "ciphertext is not base64": with_resource(ciphertext="*"),
    "wrong tag": with_resource(ciphertext="A" * 400),
    "wrong associated data": with_resource(associated_data="refund"),
    "another key": notification(key="0" * 32),
    "inside is a list": notification([]),
    "inside is a number": notification(7),
    "inside is empty": notification({}),
    "another merchant": notification(transaction(mchid="1900000001")),
    "another app": notification(transaction(appid="wx0000000000000000")),
    "not paid": notification(transaction(trade_state="NOTPAY")),
    "amount is a text": notification(transaction(amount={"total": "20000", "currency": "CNY"})),
    "amount is a fraction": notification(transaction(amount={"total": 20_000.0, "currency": "CNY"})),
    "amount is below nothing": notification(transaction(amount={"total": -1, "currency": "CNY"})),
    "no payer": notification(transaction(payer=None)),
    "another event": notification(event="SOMETHING.NEW"),
    "no event": notification(event=None),
    "a refund of another merchant": notification(
        NOTIFIED_REFUND | {"mchid": "1900000001"}, event="REFUND.SUCCESS", kind="refund"
    ),
    "a payment that says it is a refund": notification(event="REFUND.SUCCESS"),
    "a refund that says it is a payment": notification(NOTIFIED_REFUND, kind="refund"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_truly_signed_body_that_is_not_ours_or_not_whole_is_turned_down(pay, wechat, leaks, body):
    headers = signed_headers(body)
    with pytest.raises(NotificationRejected) as caught:
        pay.read_notification(headers, body, clock())
    assert leaks(caught.value) == []
    assert wechat.requests == []


def test_a_body_that_is_not_text_is_turned_down(pay):
    headers = signed_headers(b"{}")
    assert rejected(pay, headers, b"\xff\xfe")


def test_a_body_changed_on_the_way_is_turned_down(pay):
    body = notification()
    headers = signed_headers(body)
    assert rejected(pay, headers, body.replace(b"EV-", b"EX-"))
    assert rejected(pay, headers, body + b" ")


def test_a_body_without_end_is_not_looked_at(pay):
    body = b"{" + b" " * MAX_NOTIFICATION_BYTES + b"}"
    assert rejected(pay, signed_headers(body), body)
