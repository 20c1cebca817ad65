"""Orders and refunds, as a merchant's signed requests meet them."""

from typing import Any

import pytest
import signing_merchant
from cryptography.exceptions import InvalidSignature

OTHER_KEY = "0" * 344


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_order_goes_from_open_to_paid(merchant: Any) -> None:
    prepaid = merchant.prepay()
    assert prepaid.status_code == 200
    assert len(prepaid.json()["prepay_id"]) == 36
    assert merchant.query().json()["trade_state"] == "NOTPAY"
    assert "transaction_id" not in merchant.query().json()
    assert merchant.pay() == {"errMsg": "requestPayment:ok", "state": "SUCCESS"}
    found = merchant.query().json()
    assert (found["trade_state"], found["amount"]["total"], found["mchid"]) == (
        "SUCCESS",
        20_000,
        signing_merchant.MCHID,
    )
    assert found["success_time"].endswith("+08:00")
    assert merchant.pay() == {"errMsg": "requestPayment:fail", "state": "SUCCESS"}


def test_every_answer_is_signed_also_a_no(merchant: Any) -> None:
    keys = merchant.sandbox.get("/_sim/pay/keys")
    for answer in (merchant.prepay(), merchant.query(), merchant.query("T-000002"), merchant.close()):
        assert answer.headers["Wechatpay-Serial"] == keys["signing"]
        assert answer.headers["Request-ID"]
        signing_merchant.check(keys["platform"][keys["signing"]], answer.headers, answer.content)
        with pytest.raises(InvalidSignature):
            signing_merchant.check(keys["platform"][keys["signing"]], answer.headers, answer.content + b" ")


def test_the_merchant_chooses_the_key_that_signs(merchant: Any) -> None:
    keys = merchant.sandbox.get("/_sim/pay/keys")["platform"]
    assert len(keys) == 2
    merchant.sandbox.ask("PUT", "/_sim/pay/sign_with", json={"sign_with": "certificate"})
    answer = merchant.query()
    assert not answer.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
    signing_merchant.check(keys[answer.headers["Wechatpay-Serial"]], answer.headers, answer.content)


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": OTHER_KEY},
        {"signature": "x"},
        {"mchid": "1900000001"},
        {"serial_no": "F" * 40},
        {"timestamp": "1600000000"},
        {"timestamp": "soon"},
        {"nonce_str": "another"},
        {"nonce_str": ""},
        {"signed_body": "{}"},
    ],
    ids=str,
)
def test_what_the_merchant_did_not_sign_is_refused(merchant: Any, changed: dict[str, str]) -> None:
    answer = merchant.call("POST", "/v3/pay/transactions/jsapi", merchant.order(), **changed)
    assert code(answer) == (401, "SIGN_ERROR")
    assert merchant.sandbox.get("/_sim/pay/orders") == {"orders": []}


def test_a_request_without_a_signature_is_refused(sandbox: Any) -> None:
    assert code(sandbox.ask("POST", "/v3/pay/transactions/jsapi", json={})) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"out_trade_no": "short"}, "/out_trade_no"),
        ({"out_trade_no": "x" * 33}, "/out_trade_no"),
        ({"out_trade_no": "a b c d e f"}, "/out_trade_no"),
        ({"description": ""}, "/description"),
        ({"description": "长" * 128}, "/description"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": 1.5}}, "/amount/total"),
        ({"amount": {"total": "100"}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"total": 100, "currency": "USD"}}, "/amount/currency"),
        ({"amount": None}, "/amount/total"),
        ({"payer": {}}, "/payer/openid"),
        ({"payer": {"openid": "oNOBODY"}}, "/payer/openid"),
        ({"notify_url": "http://example.com/x"}, "/notify_url"),
        ({"notify_url": "http://127.0.0.1/x?a=1"}, "/notify_url"),
        ({"notify_url": "http://[/x"}, "/notify_url"),
        ({"attach": "x" * 129}, "/attach"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ({"time_expire": "2099-01-01T00:00:00"}, "/time_expire"),
        ({"time_expire": "soon"}, "/time_expire"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(merchant: Any, changed: dict[str, Any], field: str) -> None:
    answer = merchant.prepay(**changed)
    assert code(answer) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field


def test_what_is_no_json_object_is_refused(merchant: Any) -> None:
    for body in ("{", "[]", "7"):
        assert code(merchant.call("POST", "/v3/pay/transactions/jsapi", body)) == (400, "PARAM_ERROR")


def test_app_and_merchant_must_belong_together(merchant: Any) -> None:
    assert code(merchant.prepay(appid="wx0000000000000000")) == (400, "APPID_MCHID_NOT_MATCH")
    assert code(merchant.prepay(mchid="1900000001")) == (400, "MCH_NOT_EXISTS")


def test_a_number_is_used_once_but_the_same_order_may_come_again(merchant: Any) -> None:
    first, second = (merchant.prepay().json()["prepay_id"] for _ in range(2))
    assert first != second
    assert code(merchant.prepay(description="else")) == (403, "OUT_TRADE_NO_USED")
    merchant.pay()
    assert code(merchant.prepay()) == (403, "OUT_TRADE_NO_USED")


def test_closing(merchant: Any) -> None:
    assert code(merchant.close()) == (404, "ORDER_NOT_EXIST")
    merchant.prepay()
    assert (merchant.close().status_code, merchant.close().content) == (204, b"")
    assert merchant.query().json()["trade_state"] == "CLOSED"
    assert merchant.pay()["errMsg"] == "requestPayment:fail"
    assert code(merchant.prepay()) == (400, "ORDER_CLOSED")
    merchant.prepay("T-000002")
    merchant.pay("T-000002")
    assert code(merchant.close("T-000002")) == (400, "ORDERPAID")


def test_a_prepay_id_lives_for_two_hours(merchant: Any) -> None:
    old = merchant.prepay().json()["prepay_id"]
    merchant.sandbox.advance(7_200)
    paid = merchant.sandbox.post("/_sim/pay/pay", prepay_id=old)
    assert paid == {"errMsg": "requestPayment:fail", "state": "NOTPAY"}
    new = merchant.prepay().json()["prepay_id"]
    assert merchant.sandbox.post("/_sim/pay/pay", prepay_id=new)["state"] == "SUCCESS"


def test_an_order_can_be_put_away_and_paid_all_the_same(merchant: Any) -> None:
    merchant.prepay()
    cancelled = merchant.sandbox.post("/_sim/pay/cancel", out_trade_no="T-000001")
    assert cancelled == {"errMsg": "requestPayment:fail cancel", "state": "NOTPAY"}
    assert merchant.sandbox.get("/_sim/pay/orders")["orders"][0]["dismissed"] is True
    assert merchant.pay()["state"] == "SUCCESS"


def test_refunds_add_up_to_what_was_paid(merchant: Any) -> None:
    assert code(merchant.refund()) == (404, "RESOURCE_NOT_EXISTS")
    merchant.prepay()
    assert code(merchant.refund()) == (400, "INVALID_REQUEST")
    merchant.pay()
    accepted = merchant.refund().json()
    assert (accepted["status"], accepted["amount"]["refund"]) == ("PROCESSING", 500)
    assert merchant.refund().json()["refund_id"] == accepted["refund_id"]
    assert code(merchant.refund(fen=501)) == (400, "INVALID_REQUEST")
    assert code(merchant.refund("R-2", 19_501)) == (400, "INVALID_REQUEST")
    assert merchant.refund("R-2", 19_500).status_code == 200
    assert merchant.query().json()["trade_state"] == "REFUND"
    found = merchant.call("GET", "/v3/refund/domestic/refunds/R-1").json()
    assert (found["status"], found["out_trade_no"]) == ("SUCCESS", "T-000001")
    assert code(merchant.call("GET", "/v3/refund/domestic/refunds/R-3")) == (404, "RESOURCE_NOT_EXISTS")


def test_a_refund_names_what_was_paid_and_its_currency(merchant: Any) -> None:
    merchant.prepay()
    merchant.pay()
    wrong_total = {"refund": 500, "total": 19_999, "currency": "CNY"}
    assert code(merchant.refund(amount=wrong_total)) == (400, "INVALID_REQUEST")
    assert code(merchant.refund(amount={"refund": 500, "total": 20_000})) == (400, "PARAM_ERROR")
    assert code(merchant.refund("R/1")) == (400, "PARAM_ERROR")
    assert code(merchant.refund(reason="x" * 81)) == (400, "PARAM_ERROR")


def test_a_closed_refund_leaves_the_money_to_be_refunded(merchant: Any) -> None:
    merchant.prepay()
    merchant.pay()
    merchant.sandbox.ask("PUT", "/_sim/pay/refund_mode", json={"mode": "manual"})
    merchant.refund(fen=20_000)
    merchant.sandbox.post("/_sim/pay/settle", out_refund_no="R-1", outcome="CLOSED")
    assert merchant.query().json()["trade_state"] == "SUCCESS"
    assert merchant.refund("R-2", 20_000).status_code == 200


def test_an_order_is_refunded_fifty_times_at_most_and_within_a_year(merchant: Any) -> None:
    merchant.prepay()
    merchant.pay()
    for number in range(50):
        assert merchant.refund(f"R-{number}", 1).status_code == 200
    assert code(merchant.refund("R-50", 1)) == (400, "INVALID_REQUEST")
    merchant.prepay("T-000002")
    merchant.pay("T-000002")
    merchant.sandbox.advance(366 * 86_400)
    assert code(merchant.refund("R-51", 1, out_trade_no="T-000002")) == (400, "INVALID_REQUEST")


def test_faults_meet_payments_too_and_calls_are_counted_by_endpoint(merchant: Any) -> None:
    path = "/v3/pay/transactions/out-trade-no/{out_trade_no}"
    merchant.prepay()
    merchant.sandbox.fault(path, type="status", status=500, code="SYSTEM_ERROR", count=1)
    merchant.sandbox.fault(path, type="status", status=502, count=1)
    assert code(merchant.query()) == (500, "SYSTEM_ERROR")
    assert merchant.query().text.startswith("<html>")
    assert merchant.query().status_code == 200
    metrics = merchant.sandbox.get("/_sim/metrics")
    assert metrics["calls"][path] == 3
    assert metrics["answers"][path] == {"fault status": 2, "200": 1}


def test_a_fault_can_meet_one_payer(merchant: Any) -> None:
    merchant.sandbox.fault(openid=merchant.sandbox.openid("bob"), type="status", status=403, code="NO_AUTH")
    assert merchant.prepay().status_code == 200
    assert code(merchant.prepay("T-000002", user="bob")) == (403, "NO_AUTH")


def test_other_paths_are_not_there_but_counted(merchant: Any) -> None:
    assert code(merchant.call("GET", "/v3/certificates")) == (404, "RESOURCE_NOT_EXISTS")
    assert code(merchant.call("GET", "/v3/bill/tradebill")) == (404, "RESOURCE_NOT_EXISTS")
    assert merchant.sandbox.get("/_sim/metrics")["calls"]["/v3/certificates"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pay/pay", {"out_trade_no": "T-000009"}),
        ("pay/pay", {"out_trade_no": "T-000001", "twist": "everything"}),
        ("pay/pay", {"out_trade_no": "T-000001", "notify": "never"}),
        ("pay/pay", {"out_trade_no": "T-000001", "notify": 65}),
        ("pay/pay", {"out_trade_no": "T-000001", "notify": True}),
        ("pay/settle", {"out_refund_no": "R-9"}),
    ],
)
def test_an_order_to_the_control_plane_that_makes_no_sense_is_refused(
    merchant: Any, path: str, body: dict[str, Any]
) -> None:
    merchant.prepay()
    assert merchant.sandbox.ask("POST", f"/_sim/{path}", json=body).status_code == 400
