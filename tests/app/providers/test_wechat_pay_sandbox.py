"""The whole door against the stand-in: from the order to the notification, and what happens when something is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from paying import ORDER_NO, REFUND_NO, order, refund
from scripted_wechat import clock

from app.providers import BadAnswer, NoAnswer, OutcomeUnknown
from app.providers.wechat_pay import NoPayment, Payment, RefundResult, RefundState, TradeState, errors

PREPAY = "/v3/pay/transactions/jsapi"
REFUNDS = "/v3/refund/domestic/refunds"
QUERY = "/v3/pay/transactions/out-trade-no/{out_trade_no}"


@pytest.fixture
def bought(shop, pay_sandbox, payer, till):
    """An order that alice has paid."""
    shop.prepay(**order(openid=payer))
    assert pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO)["errMsg"] == "requestPayment:ok"
    pay_sandbox.tell("pay/drain")
    return till.results.pop()


def test_an_order_is_paid_told_and_found(shop, pay_sandbox, payer, till):
    prepay_id = shop.prepay(**order(openid=payer))
    assert shop.query(ORDER_NO) == NoPayment(out_trade_no=ORDER_NO, state=TradeState.NOTPAY)
    sheet = pay_sandbox.tell("pay/request", user="alice", **shop.client_params(prepay_id, clock()).as_json())
    assert sheet["order"]["out_trade_no"] == ORDER_NO

    assert pay_sandbox.tell("pay/pay", prepay_id=prepay_id) == {
        "errMsg": "requestPayment:ok",
        "state": "SUCCESS",
    }
    pay_sandbox.tell("pay/drain")

    (told,) = till.results
    assert isinstance(told, Payment)
    assert (told.out_trade_no, told.amount_fen, told.currency, told.openid) == (
        ORDER_NO,
        20_000,
        "CNY",
        payer,
    )
    assert abs(told.success_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert shop.query(ORDER_NO) == told


def test_somebody_elses_or_changed_parameters_open_no_till(shop, pay_sandbox, payer):
    params = shop.client_params(shop.prepay(**order(openid=payer)), clock()).as_json()
    pay_sandbox.tell("users", user="bob")
    refused = {"errMsg": "requestPayment:fail"}
    assert pay_sandbox.tell("pay/request", user="bob", **params) == refused
    for name in ("timeStamp", "nonceStr", "package", "signType", "paySign"):
        changed = params | {name: params[name][:-1] + ("0" if params[name][-1] != "0" else "1")}
        assert pay_sandbox.tell("pay/request", user="alice", **changed) == refused


def test_the_same_order_may_be_opened_again_but_not_with_other_contents(shop, payer):
    same = order(openid=payer)
    assert shop.prepay(**same) != shop.prepay(**same)
    with pytest.raises(errors.OrderNumberUsed):
        shop.prepay(**same | {"amount_fen": 1})


def test_a_closed_order_cannot_be_paid_and_closing_again_is_no_fault(shop, pay_sandbox, payer):
    same = order(openid=payer)
    shop.prepay(**same)
    shop.close(ORDER_NO)
    shop.close(ORDER_NO)
    assert pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO)["errMsg"] == "requestPayment:fail"
    assert shop.query(ORDER_NO) == NoPayment(out_trade_no=ORDER_NO, state=TradeState.CLOSED)
    with pytest.raises(errors.OrderClosed):
        shop.prepay(**same)


def test_closing_comes_too_late_for_a_paid_order(shop, bought):
    with pytest.raises(errors.OrderPaid):
        shop.close(ORDER_NO)


def test_nobody_knows_what_was_never_ordered(shop):
    for ask in (
        lambda: shop.query(ORDER_NO),
        lambda: shop.close(ORDER_NO),
        lambda: shop.query_refund(REFUND_NO),
    ):
        with pytest.raises(errors.NotFound):
            ask()
    with pytest.raises(errors.NotFound):
        shop.refund(**refund())


def test_a_payer_of_another_app_is_refused(shop):
    with pytest.raises(errors.RequestInvalid):
        shop.prepay(**order(openid="oNOBODY"))


def test_a_key_that_is_not_the_merchants_is_a_wrong_setting(shop, make_pay, pay_sandbox, payer):
    other = make_pay({"serial": "F" * 40}, base_url=pay_sandbox.url, read_timeout_s=60)
    with pytest.raises(errors.Misconfigured):
        other.prepay(**order(openid=payer))


@pytest.mark.parametrize(("moment", "orders"), [("before", 0), ("after", 1)])
def test_a_prepay_that_times_out_may_have_opened_the_order(
    shop, pay_sandbox, payer, make_pay, till, moment, orders
):
    hasty = make_pay(
        {"public_keys": shop._merchant.public_keys}, base_url=pay_sandbox.url, read_timeout_s=0.3
    )
    pay_sandbox.fault(PREPAY, moment, type="timeout", hang_ms=1_500)
    with pytest.raises(OutcomeUnknown) as caught:
        hasty.prepay(**order(openid=payer))
    assert type(caught.value) is NoAnswer
    assert len(pay_sandbox.ask("pay/orders")["orders"]) == orders


def test_a_refund_whose_answer_was_lost_is_repeated_and_made_once(shop, pay_sandbox, bought):
    pay_sandbox.tell("faults", match={"path": REFUNDS}, action={"type": "drop"}, moment="after", count=1)
    with pytest.raises(OutcomeUnknown):
        shop.refund(**refund())
    again = shop.refund(**refund())
    assert (again.out_refund_no, again.amount_fen) == (REFUND_NO, 500)
    assert len(pay_sandbox.ask("pay/refunds")["refunds"]) == 1
    assert pay_sandbox.ask("pay/orders")["orders"][0]["refunded_fen"] == 500


@pytest.mark.parametrize(("status", "code"), [(500, "SYSTEM_ERROR"), (502, None)])
def test_a_platform_that_fails_leaves_it_unknown(shop, pay_sandbox, bought, status, code):
    action = {"status": status} if code is None else {"status": status, "code": code}
    pay_sandbox.fault(REFUNDS, "after", type="status", **action)
    with pytest.raises(errors.PlatformFailed):
        shop.refund(**refund())


def test_an_answer_with_a_strangers_signature_is_unknown(shop, pay_sandbox, payer):
    pay_sandbox.fault(PREPAY, type="forged")
    with pytest.raises(BadAnswer):
        shop.prepay(**order(openid=payer))


def test_too_little_balance_and_too_many_questions_pass(shop, pay_sandbox, bought):
    pay_sandbox.fault(REFUNDS, type="status", status=403, code="NOT_ENOUGH")
    pay_sandbox.fault(QUERY, type="status", status=429, code="FREQUENCY_LIMITED")
    with pytest.raises(errors.MerchantBalanceTooLow):
        shop.refund(**refund())
    with pytest.raises(errors.QuotaExhausted):
        shop.query(ORDER_NO)


def test_a_refund_is_accepted_first_and_done_later(shop, pay_sandbox, bought, till):
    assert shop.refund(**refund()).state is RefundState.PROCESSING
    pay_sandbox.tell("pay/drain")
    (told,) = till.results
    assert isinstance(told, RefundResult)
    assert told == shop.query_refund(REFUND_NO)
    assert told.state is RefundState.SUCCESS
    assert shop.query(ORDER_NO) == NoPayment(out_trade_no=ORDER_NO, state=TradeState.REFUND)


@pytest.mark.parametrize("outcome", ["ABNORMAL", "CLOSED"])
def test_a_refund_can_fail_at_the_bank(shop, pay_sandbox, bought, till, outcome):
    pay_sandbox.tell("pay/refund_mode", "PUT", mode="manual")
    shop.refund(**refund())
    pay_sandbox.tell("pay/settle", out_refund_no=REFUND_NO, outcome=outcome)
    pay_sandbox.tell("pay/drain")
    assert [told.state for told in till.results] == [outcome]
    assert shop.query_refund(REFUND_NO).state == outcome


def test_refunds_stop_at_what_was_paid_and_a_number_has_one_meaning(shop, bought):
    shop.refund(**refund(amount_fen=15_000))
    with pytest.raises(errors.RequestInvalid):
        shop.refund(**refund(out_refund_no="R2", amount_fen=5_001))
    with pytest.raises(errors.RequestInvalid):
        shop.refund(**refund(amount_fen=14_999))
    shop.refund(**refund(out_refund_no="R2", amount_fen=5_000))


def test_a_lost_notification_leaves_a_payment_to_be_found(shop, pay_sandbox, payer, till):
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO, notify="lost")
    pay_sandbox.tell("pay/drain")
    assert till.results == []
    assert isinstance(shop.query(ORDER_NO), Payment)


def test_a_notification_may_come_twice_late_and_again(shop, pay_sandbox, payer, till):
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO, notify="twice", delay_s=0.2)
    pay_sandbox.tell("pay/drain")
    assert pay_sandbox.tell("pay/replay") == {"answer": 204}
    assert len(till.results) == 3
    assert len(set(till.results)) == 1


def test_a_wrong_amount_is_for_the_business_to_see(shop, pay_sandbox, payer, till):
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO, twist="amount")
    pay_sandbox.tell("pay/drain")
    assert [told.amount_fen for told in till.results] == [19_999]


@pytest.mark.parametrize(
    "twist", ["forged", "probe", "old", "unknown_serial", "no_serial", "appid", "mchid", "tag", "cut"]
)
def test_a_spoiled_notification_is_turned_down_without_asking_anybody(shop, pay_sandbox, payer, till, twist):
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("metrics/reset")
    pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO, twist=twist)
    pay_sandbox.tell("pay/drain", timeout_s=30)
    assert till.results == []
    assert till.refused == 16  # the first try and the fifteen documented repetitions
    assert pay_sandbox.ask("metrics")["calls"] == {}


def test_both_of_the_platforms_keys_are_believed(shop, pay_sandbox, payer, till):
    pay_sandbox.tell("pay/sign_with", "PUT", sign_with="certificate")
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO)
    pay_sandbox.tell("pay/drain")
    assert len(till.results) == 1


def test_the_end_of_an_order_is_its_end(shop, pay_sandbox, payer):
    shop.prepay(**order(openid=payer))
    pay_sandbox.tell("clock/advance", seconds=31 * 60)
    assert pay_sandbox.tell("pay/pay", out_trade_no=ORDER_NO)["errMsg"] == "requestPayment:fail"
    assert shop.query(ORDER_NO) == NoPayment(out_trade_no=ORDER_NO, state=TradeState.CLOSED)
