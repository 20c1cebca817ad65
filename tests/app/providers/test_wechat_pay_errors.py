"""What goes wrong at the gateway, sorted: refused, unavailable, unknown. And what nobody may read from it."""

import socket

import pytest
from paying import (
    CERTIFICATE,
    ORDER_NO,
    REFUND_NO,
    STRANGERS_KEY,
    order,
    pays,
    refund,
    refunded,
    says_no,
    transaction,
)
from scripted_wechat import DROPS, HANGS, MORNING, OPENID, Reply, clock, html

from app.providers import (
    BadAnswer,
    NoAnswer,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Unreachable,
)
from app.providers.wechat_pay import errors

PREPAY = "/v3/pay/transactions/jsapi"
ORDER = f"/v3/pay/transactions/out-trade-no/{ORDER_NO}"
CLOSE = f"{ORDER}/close"
REFUNDS = "/v3/refund/domestic/refunds"
REFUND = f"{REFUNDS}/{REFUND_NO}"

CALLS = {
    PREPAY: lambda pay: pay.prepay(**order()),
    ORDER: lambda pay: pay.query(ORDER_NO),
    CLOSE: lambda pay: pay.close(ORDER_NO),
    REFUNDS: lambda pay: pay.refund(**refund()),
    REFUND: lambda pay: pay.query_refund(REFUND_NO),
}
GOOD = {
    PREPAY: {"prepay_id": "wx201410272009395522657a690389285100"},
    ORDER: transaction(),
    CLOSE: None,
    REFUNDS: refunded(),
    REFUND: refunded(),
}


def answered(path, **signing):
    return pays(GOOD[path], 204 if path == CLOSE else 200, **signing)


def failure(pay, wechat, path, reply):
    wechat.on(path, reply)
    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        CALLS[path](pay)
    return caught.value


@pytest.mark.parametrize("path", CALLS)
def test_the_good_answers_of_this_file_are_good(pay, wechat, path):
    wechat.on(path, answered(path))
    CALLS[path](pay)


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (HANGS, NoAnswer),
        (DROPS, NoAnswer),
        (html(200), BadAnswer),
        (html(302), BadAnswer),
        (html(403), BadAnswer),
        (html(502), errors.PlatformFailed),
        (html(504), errors.PlatformFailed),
        (says_no("SYSTEM_ERROR", 500), errors.PlatformFailed),
        (says_no("SOMETHING_NEW", 500), errors.PlatformFailed),
        (Reply(b'{"prepay_id": "wx', length=200), OutcomeUnknown),
        (Reply(b"x" * 300_000), BadAnswer),
    ],
    ids=["hangs", "drops", "html", "302", "403", "502", "504", "system error", "new 500", "cut", "huge"],
)
def test_what_is_no_readable_answer_is_unknown(pay, wechat, path, reply, kind):
    found = failure(pay, wechat, path, reply)
    assert isinstance(found, OutcomeUnknown)
    assert isinstance(found, kind)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("OUT_TRADE_NO_USED", 403, errors.OrderNumberUsed),
        ("ORDERPAID", 400, errors.OrderPaid),
        ("ORDER_NOT_EXIST", 404, errors.NotFound),
        ("ORDERNOTEXIST", 404, errors.NotFound),
        ("RESOURCE_NOT_EXISTS", 404, errors.NotFound),
        ("PARAM_ERROR", 400, errors.RequestInvalid),
        ("INVALID_REQUEST", 400, errors.RequestInvalid),
        ("OPENID_MISMATCH", 500, errors.PayerMismatch),
        ("RULELIMIT", 403, errors.Forbidden),
        ("USER_ACCOUNT_ABNORMAL", 403, errors.AccountAbnormal),
        ("SIGN_ERROR", 401, errors.Misconfigured),
        ("APPID_MCHID_NOT_MATCH", 400, errors.Misconfigured),
        ("MCH_NOT_EXISTS", 400, errors.Misconfigured),
        ("NO_AUTH", 403, errors.Misconfigured),
        ("SOMETHING_NEW", 400, ProviderRefused),
    ],
)
def test_a_no_is_a_refusal(pay, wechat, code, status, kind):
    found = failure(pay, wechat, REFUNDS, says_no(code, status))
    assert type(found) is kind
    assert isinstance(found, ProviderRefused)
    assert (found.provider_code, found.rid) == (code, "08F78BB5AF0610D302-268435521")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("FREQUENCY_LIMITED", 429, errors.QuotaExhausted),
        ("NOT_ENOUGH", 403, errors.MerchantBalanceTooLow),
        ("USERPAYING", 202, errors.PaymentUnderWay),
    ],
)
def test_some_noes_ask_to_come_back(pay, wechat, code, status, kind):
    found = failure(pay, wechat, REFUNDS, says_no(code, status))
    assert type(found) is kind
    assert not isinstance(found, OutcomeUnknown)


def test_too_often_without_a_word_is_too_often(pay, wechat):
    assert failure(pay, wechat, ORDER, html(429)).retry_after_s == errors.QUOTA_PAUSE_S


def test_nobody_there_means_that_nothing_was_asked(make_pay):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        pay = make_pay(base_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(Unreachable) as caught:
            pay.refund(**refund())
    assert not isinstance(caught.value, OutcomeUnknown)


FORGERIES = {
    "a stranger's key": {"key": STRANGERS_KEY},
    "an hour ago": {"timestamp": int(clock().timestamp()) - 3_600},
    "an hour ahead": {"timestamp": int(clock().timestamp()) + 3_600},
    "unknown serial": {"key": STRANGERS_KEY, "Wechatpay-Serial": "F" * 40},
    "no serial": {"Wechatpay-Serial": ""},
    "no signature": {"Wechatpay-Signature": ""},
    "a probe": {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + "A" * 325},
    "not base64": {"Wechatpay-Signature": "*" * 344},
    "another type": {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
}


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("signing", FORGERIES.values(), ids=FORGERIES)
def test_a_success_that_wechat_pay_did_not_sign_is_unknown(pay, wechat, path, signing):
    assert type(failure(pay, wechat, path, answered(path, **signing))) is BadAnswer
    assert [request.path for request in wechat.requests] == [path]  # and nobody went looking for certificates


def test_answers_signed_with_a_listed_certificate_are_believed(pay, wechat):
    wechat.on(ORDER, answered(ORDER, key_id=CERTIFICATE))
    assert pay.query(ORDER_NO).amount_fen == 20_000


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000001"},
        {"appid": "wx0000000000000000"},
        {"out_trade_no": "T20261122-0002"},
        {"trade_state": "SOMETHING_NEW"},
        {"trade_state": None},
        {"amount": {"total": "20000", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 0, "currency": "CNY"}},
        {"amount": {"total": 20_000}},
        {"amount": None},
        {"payer": {}},
        {"transaction_id": ""},
        {"success_time": "2026-11-22T15:04:05"},
        {"success_time": "yesterday"},
        {"success_time": "0001-01-01T00:00:00+23:59"},
    ],
    ids=str,
)
def test_a_signed_answer_about_something_else_is_not_used(pay, wechat, changes):
    assert type(failure(pay, wechat, ORDER, pays(transaction(**changes)))) is BadAnswer


@pytest.mark.parametrize(
    "changes",
    [
        {"out_refund_no": "R20261122-0002"},
        {"out_trade_no": "T20261122-0002"},
        {"amount": {"total": 20_000, "refund": 20_000}},
        {"amount": {"total": 500, "refund": 500}},
        {"status": "SUCCESS"},
        {"status": "DONE"},
    ],
    ids=str,
)
def test_an_answer_about_another_refund_is_not_used(pay, wechat, changes):
    assert type(failure(pay, wechat, REFUNDS, pays(refunded(**changes)))) is BadAnswer


@pytest.mark.parametrize("answer", [{}, {"prepay_id": 7}, {"prepay_id": "a b"}, {"prepay_id": "x" * 65}, [1]])
def test_an_answer_without_a_prepay_id_is_not_used(pay, wechat, answer):
    assert type(failure(pay, wechat, PREPAY, pays(answer))) is BadAnswer


@pytest.mark.parametrize(
    "wrong",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "../../refund"},
        {"amount_fen": 0},
        {"amount_fen": 1.5},
        {"amount_fen": True},
        {"description": ""},
        {"description": "长" * 128},
        {"description": "a\nb"},
        {"openid": ""},
        {"expires_at": MORNING.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_an_order_that_cannot_be_right_is_not_sent(pay, wechat, wrong):
    with pytest.raises(ValueError):
        pay.prepay(**order(**wrong))
    assert wechat.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_fen": 20_001},
        {"amount_fen": 0},
        {"out_refund_no": ""},
        {"out_refund_no": "a/b"},
        {"reason": ""},
    ],
)
def test_a_refund_that_cannot_be_right_is_not_sent(pay, wechat, wrong):
    with pytest.raises(ValueError):
        pay.refund(**refund(**wrong))
    assert wechat.requests == []


LEAKY = {
    "hangs": HANGS,
    "drops": DROPS,
    "html": html(),
    "502": html(502),
    "redirect": Reply(b"", 302, {"Location": f"https://example.org/?{OPENID}"}),
    "echo": says_no("PARAM_ERROR", 400, f"openid {OPENID} is wrong"),
    "odd code": says_no(f"CODE {OPENID}", 400),
    "forged": pays(GOOD[ORDER], key=STRANGERS_KEY),
    "another's": pays(transaction(mchid="1900000001")),
}


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("reply", LEAKY.values(), ids=LEAKY)
def test_no_failure_shows_key_payer_or_signature(pay, wechat, leaks, path, reply):
    assert leaks(failure(pay, wechat, path, reply)) == []


@pytest.mark.parametrize("path", CALLS)
def test_a_success_writes_none_of_it_to_the_log(pay, wechat, leaks, path):
    wechat.on(path, answered(path))
    result = CALLS[path](pay)
    assert leaks(None) == []
    assert OPENID not in repr(result)


def test_the_client_does_not_show_what_it_holds(pay):
    shown = repr(pay) + repr(pay._merchant) + repr(pay.client_params("wx1", clock()))
    assert "k9D2mQ7x" not in shown
    assert "prepay_id" not in shown


def test_connections_are_kept_and_bounded(pay, wechat):
    wechat.on(ORDER, answered(ORDER))
    for _ in range(3):
        pay.query(ORDER_NO)
    (pool,) = pay._transport._exchange.session.get_adapter(wechat.url).poolmanager.pools._container.values()
    assert pool.num_connections == 1
