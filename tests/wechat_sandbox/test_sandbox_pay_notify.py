"""Notifications of payments and refunds: sealed, signed, repeated, and spoiled on demand."""

from typing import Any

import pytest
import signing_merchant
from cryptography.exceptions import InvalidSignature, InvalidTag

from wechat_sandbox.pay_notify import PAUSES_S


def platform_pem(merchant: Any, push: Any) -> str:
    return str(merchant.sandbox.get("/_sim/pay/keys")["platform"][push.headers["Wechatpay-Serial"]])


@pytest.fixture
def told(merchant: Any, receiver: Any) -> Any:
    """Pays an order so, and returns what arrived."""

    def pay(**how: Any) -> list[Any]:
        merchant.prepay()
        merchant.pay(**how)
        merchant.drain()
        return list(receiver.pushes)

    return pay


def test_the_documented_pauses_add_up() -> None:
    assert len(PAUSES_S) == 15
    assert sum(PAUSES_S) == 24 * 3_600 + 4 * 60


def test_a_payment_is_told_sealed_and_signed(merchant: Any, told: Any) -> None:
    (push,) = told()
    signing_merchant.check(platform_pem(merchant, push), push.headers, push.body.encode())
    assert push.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    plain = signing_merchant.unseal(push.body.encode())
    assert plain == merchant.query().json()
    (one,) = merchant.sandbox.get("/_sim/pay/notifications")["notifications"]
    assert (one["event"], one["state"], one["answers"]) == ("TRANSACTION.SUCCESS", "delivered", [200])


def test_a_refund_is_told_in_its_own_words(merchant: Any, told: Any, receiver: Any) -> None:
    told()
    merchant.refund()
    merchant.drain()
    plain = signing_merchant.unseal(receiver.pushes[-1].body.encode())
    assert (plain["refund_status"], plain["mchid"], plain["amount"]["refund"]) == (
        "SUCCESS",
        signing_merchant.MCHID,
        500,
    )
    assert "status" not in plain
    assert "appid" not in plain


def test_a_notification_comes_again_until_somebody_takes_it(told: Any, receiver: Any, merchant: Any) -> None:
    receiver.answers = [(500, '{"code":"FAIL"}'), (0, ""), (204, "")]
    pushes = told()
    assert len(pushes) == 3
    assert len({push.headers["Wechatpay-Nonce"] for push in pushes}) == 3
    (one,) = merchant.sandbox.get("/_sim/pay/notifications")["notifications"]
    assert (one["state"], one["answers"]) == ("delivered", [500, "refused", 204])


def test_after_fifteen_repetitions_there_is_nothing_more(told: Any, receiver: Any, merchant: Any) -> None:
    receiver.answers = [(404, "")]
    assert len(told()) == 16
    (one,) = merchant.sandbox.get("/_sim/pay/notifications")["notifications"]
    assert one["state"] == "given_up"


@pytest.mark.parametrize(("how", "count"), [("lost", 0), ("once", 1), ("twice", 2), (20, 20)])
def test_a_notification_is_lost_or_comes_as_often_as_ordered(told: Any, how: Any, count: int) -> None:
    assert len(told(notify=how)) == count


def test_a_replay_is_the_same_to_the_byte(merchant: Any, told: Any, receiver: Any) -> None:
    (first,) = told()
    assert merchant.sandbox.post("/_sim/pay/replay") == {"answer": 200}
    assert receiver.pushes[1].body == first.body
    assert receiver.pushes[1].headers["Wechatpay-Signature"] == first.headers["Wechatpay-Signature"]


def test_nothing_told_is_nothing_to_repeat(merchant: Any) -> None:
    assert merchant.sandbox.ask("POST", "/_sim/pay/replay", json={}).status_code == 404


@pytest.mark.parametrize("twist", ["forged", "probe"])
def test_a_spoiled_signature_is_not_the_platforms(merchant: Any, told: Any, twist: str) -> None:
    (push,) = told(twist=twist)
    with pytest.raises((InvalidSignature, ValueError)):
        signing_merchant.check(platform_pem(merchant, push), push.headers, push.body.encode())
    assert push.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/") == (twist == "probe")


@pytest.mark.parametrize("twist", ["old", "cut", "tag", "amount", "appid", "mchid"])
def test_the_other_ways_to_spoil_it_are_truly_signed(merchant: Any, told: Any, twist: str) -> None:
    (push,) = told(twist=twist)
    signing_merchant.check(platform_pem(merchant, push), push.headers, push.body.encode())


def test_a_broken_seal_does_not_open(told: Any) -> None:
    (push,) = told(twist="tag")
    with pytest.raises(InvalidTag):
        signing_merchant.unseal(push.body.encode())


def test_a_wrong_amount_is_sealed_as_if_it_were_right(told: Any) -> None:
    (push,) = told(twist="amount")
    assert signing_merchant.unseal(push.body.encode())["amount"]["total"] == 19_999


@pytest.mark.parametrize(("twist", "serial"), [("unknown_serial", "F" * 40), ("no_serial", "")])
def test_a_serial_can_be_wrong(told: Any, twist: str, serial: str) -> None:
    (push,) = told(twist=twist)
    assert push.headers["Wechatpay-Serial"] == serial


def test_a_moved_clock_does_not_make_signatures_old(merchant: Any, told: Any) -> None:
    merchant.sandbox.advance(3_600)
    (push,) = told()
    now = merchant.sandbox.get("/_sim/clock")["now"]
    assert now - 3_600 - int(push.headers["Wechatpay-Timestamp"]) < 300
