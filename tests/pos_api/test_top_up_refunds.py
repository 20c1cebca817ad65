"""A top-up goes back at the till: what is unused, exactly, once, and nobody keeps a gift for nothing."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.approvals.second_person import ApprovalOutdated
from app.checkout import top_up_refund
from app.checkout.decide import decide
from app.ledger.post import NotEnough
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stored_value import undo_look
from app.work import fact_relay, send_messages, tell_consumers
from tests.app.ledger.books import move
from tests.app.ledger.books import points as posting
from tests.app.stored_value.offering import offer, set_value_policy, ticket, topped_up
from tests.app.stored_value.refunding import refunded, set_refund_policy, shown, used
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import Phone, Shop

RUNNERS = 16


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


@pytest.fixture
def clerk(shop: Shop) -> StaffView:
    return shop.person("clerk-1", Grant("clerk", shop.store.id))


@pytest.fixture
def manager(shop: Shop) -> StaffView:
    return shop.person("boss-1", Grant("manager", shop.store.id))


def bought(shop: Shop, phone: Phone, **changes: Any) -> str:
    """A top-up of 100.00 that gave 20.00 and 50 points."""
    gift = {"pay_fen": 10_000, "bonus_fen": 2_000, "points": 50} | changes
    answer = topped_up(shop, phone, offer_id=offer(**gift).id, amount_fen=gift["pay_fen"])
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def balance(phone: Phone) -> tuple[int, int]:
    told = phone.get("/me/balance").json
    return told["principal_fen"], told["bonus_fen"] + told["bonus_to_come_fen"]


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def here(shop: Shop, phone: Phone) -> dict[str, str]:
    return {"ticket": ticket(shop, phone)}


def bonus_first() -> None:
    set_value_policy(spend_order="bonus_first")


def test_unused_and_young_it_goes_back_exactly(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    top_up = bought(shop, phone)
    told = shown(shop, top_up).json
    assert (told["cooling_off"], told["amount_fen"], told["bonus_fen"], told["points"]) == (
        True,
        10_000,
        2_000,
        50,
    )
    answer = refunded(shop, top_up, clerk, 10_000, **here(shop, phone))
    assert answer.status_code == 201, answer.json
    assert (answer.json["state"], answer.json["sum"], answer.json["points_taken"]) == ("done", told, 50)
    assert (balance(phone), points(phone)) == ((0, 0), 0)
    again = shown(shop, top_up)
    assert (again.status_code, again.json["code"], again.json["unused_fen"]) == (
        409,
        "top_up_refund_nothing",
        0,
    )


def test_a_gift_that_was_spent_is_not_kept_for_nothing(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    bonus_first()
    top_up = bought(shop, phone)
    used(phone, 2_000)
    told = shown(shop, top_up).json
    assert (told["unused_fen"], told["deducted_fen"], told["amount_fen"]) == (10_000, 2_000, 8_000)
    assert not told["cooling_off"]
    assert refunded(shop, top_up, clerk, 8_000, **here(shop, phone)).json["state"] == "done"
    assert (balance(phone), points(phone)) == ((0, 0), 0)


def test_the_arithmetic_is_told_line_by_line_in_both_languages(shop: Shop, phone: Phone) -> None:
    bonus_first()
    set_refund_policy(spent_bonus_bp=5_000)
    top_up = bought(shop, phone)
    used(phone, 1_500)
    path, key = f"/pos/v1/topups/{top_up}/refund", {"Authorization": f"Bearer {shop.till.key}"}
    english = shop.till.client.get(path, headers=key | {"Accept-Language": "en"}).json["lines"]
    assert [line["text"] for line in english] == [
        "Unused principal given back: ¥100.00",
        "Unused bonus taken back: ¥5.00",
        "Bonus spent: ¥15.00; 50% of it is deducted: ¥7.50",
        "Points taken back: 50",
        "Paid back: ¥92.50",
    ]
    chinese = shop.till.client.get(path, headers=key).json["lines"]
    assert [line["code"] for line in chinese] == ["unused", "bonus", "spent", "points", "total"]
    assert chinese[2]["text"] == "已使用赠金 ¥15.00，按 50% 扣除 ¥7.50"


def test_any_number_of_refunds_sums_to_what_was_unused_and_the_last_leaves_nothing(
    shop: Shop, phone: Phone, clerk: StaffView
) -> None:
    top_up = bought(shop, phone, points=7)
    used(phone, 1_200)  # 10.00 of principal and 2.00 of bonus
    paid, member = [], here(shop, phone)
    for part in (1_001, 3_333, 1, None):
        amount = shown(shop, top_up, "" if part is None else f"?principal_fen={part}").json["amount_fen"]
        answer = refunded(shop, top_up, clerk, amount, principal_fen=part, **member)
        assert answer.status_code == 201, answer.json
        paid.append(amount)
    assert paid == [801, 3_333, 1, 4_665]
    assert (sum(paid), balance(phone)) == (8_800, (0, 0))
    assert points(phone) == 7 - 7 * 9_000 // 10_000  # those of the tenth that was spent stay
    assert refunded(shop, top_up, clerk, 1, **member).json["code"] == "top_up_refund_nothing"


def test_it_takes_the_lots_of_that_top_up_and_no_others(
    shop: Shop, phone: Phone, clerk: StaffView, engine: Engine
) -> None:
    first, second = bought(shop, phone), bought(shop, phone)
    used(phone, 1_200)  # out of the older one
    assert refunded(shop, second, clerk, 10_000, **here(shop, phone)).status_code == 201
    assert balance(phone) == (9_000, 1_800)
    assert shown(shop, first).json["unused_fen"] == 9_000
    lots = rows(
        engine,
        "SELECT remaining FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id"
        " WHERE a.unit = 'principal_fen' ORDER BY l.id",
    )
    assert lots == [(9_000,), (0,)]


def test_bonus_that_is_still_to_come_is_taken_back_and_what_ended_costs_nothing(
    shop: Shop, phone: Phone, clerk: StaffView, engine: Engine
) -> None:
    top_up = bought(shop, phone, bonus_fen=900, bonus_parts=3)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "UPDATE ledger_lots SET expires_at = now() WHERE id = (SELECT min(l.id) FROM ledger_lots l"
                " JOIN ledger_accounts a ON a.id = l.account_id WHERE a.unit = 'bonus_fen')"
            )
        )
    told = shown(shop, top_up).json
    assert (told["bonus_fen"], told["bonus_ended_fen"], told["deducted_fen"]) == (600, 300, 0)
    assert refunded(shop, top_up, clerk, 10_000, **here(shop, phone)).status_code == 201
    assert balance(phone) == (0, 0)


def test_points_that_were_spent_become_a_debt(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    top_up = bought(shop, phone)
    move(posting(phone.member_id, -30), at=clock.now())
    answer = refunded(shop, top_up, clerk, 10_000, **here(shop, phone)).json
    assert (answer["points_taken"], answer["points_owed"]) == (20, 30)


def test_so_much_more_than_is_unused_is_refused(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    top_up = bought(shop, phone)
    used(phone, 1_200)
    refused = refunded(shop, top_up, clerk, 9_001, principal_fen=9_001, **here(shop, phone))
    assert (refused.status_code, refused.json["code"], refused.json["unused_fen"]) == (
        409,
        "top_up_refund_exceeds",
        9_000,
    )


def test_another_amount_than_was_shown_is_refused_with_the_one_of_now(
    shop: Shop, phone: Phone, clerk: StaffView
) -> None:
    top_up = bought(shop, phone)
    used(phone, 1_200)
    refused = refunded(shop, top_up, clerk, 10_000, **here(shop, phone))
    assert (refused.status_code, refused.json["code"], refused.json["amount_fen"]) == (
        409,
        "top_up_refund_outdated",
        8_800,
    )
    assert balance(phone) == (9_000, 1_800)


def test_the_same_key_gives_the_same_answer_and_a_number_is_good_once(
    shop: Shop, phone: Phone, clerk: StaffView
) -> None:
    top_up, asked = bought(shop, phone), {"principal_fen": 4_000, **here(shop, phone), "refund_no": "R-1"}
    first = refunded(shop, top_up, clerk, 4_000, key="one", **asked)
    assert refunded(shop, top_up, clerk, 4_000, key="one", **asked).data == first.data
    again = refunded(shop, top_up, clerk, 4_000, key="two", **asked)
    assert (again.status_code, again.json["code"]) == (409, "refund_no_used")
    assert balance(phone) == (6_000, 0)


def test_without_the_member_or_above_the_limit_a_second_person_agrees(
    shop: Shop, phone: Phone, clerk: StaffView, manager: StaffView
) -> None:
    top_up = bought(shop, phone)
    waiting = refunded(shop, top_up, clerk, 10_000)
    assert (waiting.status_code, waiting.json["state"]) == (201, "pending")
    assert balance(phone) == (10_000, 2_000)
    set_refund_policy(alone_cooling_off_fen=9_999)
    assert refunded(shop, top_up, clerk, 10_000, **here(shop, phone)).json["state"] == "pending"
    small = refunded(shop, top_up, clerk, 9_000, principal_fen=9_000, **here(shop, phone))
    assert small.json["state"] == "done"
    rest = refunded(shop, top_up, clerk, 1_000, **here(shop, phone)).json
    assert rest["state"] == "pending"
    for approval, outdated in ((waiting.json["approval_id"], True), (rest["approval_id"], False)):
        decision = {"approval_id": approval, "agree": True, "stores": None, "staff_id": manager.id}
        if outdated:
            with pytest.raises(ApprovalOutdated):
                decide(**decision, now=clock.now())
        else:
            decide(**decision, now=clock.now())
    assert balance(phone) == (0, 0)


def test_after_the_cooling_off_days_the_lower_limit_holds(
    shop: Shop, phone: Phone, clerk: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_refund_policy(alone_fen=5_000)
    top_up, later = bought(shop, phone), clock.now() + timedelta(days=8)
    asked = here(shop, phone)
    assert top_up_refund.preview(
        top_up_id=top_up, store_id=shop.store.id, principal_fen=None, now=later - timedelta(days=1)
    ).cooling_off
    late = top_up_refund.preview(top_up_id=top_up, store_id=shop.store.id, principal_fen=None, now=later)
    assert (late.cooling_off, late.amount_fen) == (False, 10_000)
    monkeypatch.setattr(top_up_refund, "_check_ticket", lambda *_: None)  # it would be a newer one
    monkeypatch.setattr(clock, "now", lambda: later)
    assert refunded(shop, top_up, clerk, 10_000, **asked).json["state"] == "pending"


def test_who_may_not_and_where_it_is_not(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    top_up, bob = bought(shop, phone), shop.member("林二")
    other = shop.open_store("S002")
    stranger = shop.person("far-1", Grant("clerk", other.id))
    assert refunded(shop, top_up, stranger, 10_000).status_code == 403
    assert refunded(shop, top_up, clerk, 10_000, **here(shop, bob)).json["code"] == "ticket_unknown"
    far = shop.add_till("S002", "T1")
    assert far.get(f"/topups/{top_up}/refund").status_code == 404
    set_value_policy(alone_top_up_fen=1)
    waiting = topped_up(shop, phone, clerk=clerk, amount_fen=1_000).json["id"]
    assert shown(shop, waiting).json["code"] == "top_up_not_credited"


def test_the_member_reads_what_went_back(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    bonus_first()
    top_up = bought(shop, phone)
    used(phone, 500)
    assert refunded(shop, top_up, clerk, 9_500, **here(shop, phone)).status_code == 201
    entries = phone.get("/me/balance/entries").json["items"]
    assert {(entry["text"], entry["amount_fen"]) for entry in entries[:3]} == {
        ("储值退款", -9_500),
        ("储值退款，扣除已用赠金", -500),
        ("储值退款，收回赠金", -1_500),
    }
    parts = shop.parts
    tell_consumers(fact_relay(parts), clock.now())
    send_messages(parts, clock.now)
    note = phone.get("/me/messages").json["items"][0]
    assert note["body"] == "门店 S001已退还您的储值¥95.00，收回赠金¥15.00、积分50。其中已用赠金扣除¥5.00。"


def together(shop: Shop, phone: Phone, clerk: StaffView, top_up: str) -> Counter[str]:
    """Half of the runners refund 10.00 each, the others spend 10.00 each."""
    tickets = here(shop, phone)

    def run(number: int) -> str:
        try:
            if number % 2:
                used(phone, 1_000)
                return "spent"
        except (NotEnough, db.Busy) as refusal:
            return f"spend: {refusal.code}"
        answer = refunded(shop, top_up, clerk, 1_000, principal_fen=1_000, **tickets)
        return str(answer.json.get("state") or answer.json["code"])

    return Counter(race(RUNNERS, run))


def test_sixteen_refund_one_top_up_and_spend_it_at_once_and_it_comes_out_even(
    shop: Shop, phone: Phone, clerk: StaffView
) -> None:
    answer = topped_up(shop, phone, amount_fen=9_000)
    ended = together(shop, phone, clerk, answer.json["id"])
    assert ended["done"] + ended["spent"] == 9
    assert sum(ended.values()) == RUNNERS
    assert set(ended) <= {
        "done",
        "spent",
        "spend: not_enough",
        "top_up_refund_exceeds",
        "top_up_refund_nothing",
    }
    assert balance(phone) == (0, 0)


@pytest.mark.long
class TestWithoutTheLock:
    """The same with nobody waiting for the accounts: looks are old by the time the lots are taken."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
        monkeypatch.setattr(undo_look, "lock_accounts", lambda session, member_id: None)
        looked, look, spends = threading.Event(), undo_look.stands, used

        def slowly(session: Any, *arguments: Any, **options: Any) -> Any:
            found = look(session, *arguments, **options)
            looked.set()
            db.ask(session, "SELECT pg_sleep(0.2)", {})
            return found

        def after_a_look(*arguments: Any) -> Any:
            looked.wait(PATIENCE_S)
            return spends(*arguments)

        monkeypatch.setattr(top_up_refund, "stands", slowly)
        monkeypatch.setattr(sys.modules[__name__], "used", after_a_look)
        return unaudited_engine

    def test_refunds_are_refused_by_the_lots_instead_of_the_arithmetic(
        self, shop: Shop, phone: Phone, clerk: StaffView
    ) -> None:
        answer = topped_up(shop, phone, amount_fen=4_000)
        assert together(shop, phone, clerk, answer.json["id"])["not_enough"] > 0


def test_who_asks_again_for_the_very_same_has_asked_once(
    shop: Shop, engine: Engine, phone: Phone, clerk: StaffView, manager: StaffView
) -> None:
    """Two requests for the same money would be two chances to agree to it."""
    top_up = bought(shop, phone)
    first, again = (
        refunded(shop, top_up, clerk, 10_000, key=key, refund_no="TR-1").json for key in ("one", "two")
    )
    assert first["state"] == "pending"
    assert (again["id"], again["approval_id"]) == (first["id"], first["approval_id"])
    assert rows(engine, "SELECT count(*) FROM approval_requests") == [(1,)]
