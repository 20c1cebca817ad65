"""A shift's figures: what went through the till, frozen at the close; one open shift a till."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.checkout.shifts import close_shift, current_shift, open_shift
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.actors import Actors, staff_token
from tests.app.checkout.till_side import request, sell_at, till_of
from tests.app.stored_value.offering import ticket, topped_up
from tests.conftest import rows
from tests.phones import bound
from tests.racing import race
from tests.shop import Shop, TillClient


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def opened(shop: Shop, who: StaffView, opening_fen: int = 10_000, *, till: TillClient | None = None) -> Any:
    return (till or shop.till).post("/shifts", {"opening_fen": opening_fen, "staff_no": who.staff_no})


def closed(
    shop: Shop, shift_id: str, who: StaffView, counted_fen: int, *, till: TillClient | None = None
) -> Any:
    body = {"counted_fen": counted_fen, "staff_no": who.staff_no}
    return (till or shop.till).post(f"/shifts/{shift_id}/close", body)


def refund(shop: Shop, sale: dict[str, Any], who: StaffView, reason: str) -> None:
    body = {"refund_no": uuid.uuid4().hex, "reason": reason, "staff_no": who.staff_no}
    assert shop.till.post(f"/sales/{sale['id']}/refunds", body).status_code == 201


def a_days_work(shop: Shop, who: StaffView) -> None:
    phone = bound(shop, shop.member())
    first, second, third = (shop.till.sell(None, amount).json for amount in (1_000, 2_000, 4_000))
    refund(shop, first, who, "returned")
    refund(shop, second, who, "void")
    topped_up(shop, phone, amount_fen=5_000)
    topped_up(shop, phone, amount_fen=3_000, method="card")
    body = {"ticket": ticket(shop, phone, clerk=who), "staff_no": who.staff_no}
    assert shop.till.post(f"/sales/{third['id']}/member", body).status_code == 201
    for number in ("13800138000", "13900139000"):
        shop.till.post("/scans/by-phone", {"phone": number, "staff_no": who.staff_no})


WORK = {
    "sales": 3,
    "sales_fen": 7_000,
    "without_member": 2,
    "tenders": [{"kind": "unknown", "count": 3, "amount_fen": 7_000}],
    "refunds": 2,
    "refunds_fen": 3_000,
    "refund_tenders": [{"kind": "unknown", "count": 2, "amount_fen": 3_000}],
    "voids": 1,
    "voids_fen": 2_000,
    "top_ups": [
        {"kind": "card", "count": 1, "amount_fen": 3_000},
        {"kind": "cash", "count": 1, "amount_fen": 5_000},
    ],
    "top_up_refunds": [],
    "retro_credits": 1,
    "retro_credits_fen": 4_000,
    "uploads": 0,
    "uploads_fen": 0,
    "phone_finds": 2,
    "phone_finds_of_nobody": 1,
}


def test_a_shift_counts_what_went_through_its_till_and_nothing_else(shop: Shop, anna: StaffView) -> None:
    other = shop.add_till("S001", "T2")
    shop.till.sell(None, 50)  # before: in no shift
    shift = opened(shop, anna).json
    assert (shift["opening_fen"], shift["closed_at"], shift["left_open"]) == (10_000, None, False)
    a_days_work(shop, anna)
    other.sell(None, 77_000)
    now = shop.till.get("/shifts/current").json
    assert (now["id"], now["expected_fen"]) == (shift["id"], 15_000)
    assert now["totals"] == WORK
    end = closed(shop, shift["id"], anna, 14_900)
    assert (end.status_code, end.json["expected_fen"], end.json["difference_fen"]) == (200, 15_000, -100)
    assert end.json["totals"] == WORK
    assert (end.json["opened_by"], end.json["closed_by"]) == (anna.staff_no, anna.staff_no)
    shop.till.sell(None, 999)  # after: in no shift either
    assert shop.till.get("/shifts/current").status_code == 404
    day = shop.till.get("/totals").json
    assert (day["terminal"], day["totals"]["sales"], day["totals"]["sales_fen"]) == ("T1", 5, 8_049)
    assert [one["totals"] for one in day["shifts"]] == [WORK]
    yesterday = shop.till.get("/totals?business_date=2026-01-01").json
    assert (yesterday["totals"]["sales"], yesterday["shifts"]) == (0, [])


def test_closing_again_changes_nothing(shop: Shop, anna: StaffView) -> None:
    shift = opened(shop, anna).json
    first = closed(shop, shift["id"], anna, 10_000).json
    shop.till.sell(None, 1_000)
    again = closed(shop, shift["id"], anna, 99_999)
    assert (again.status_code, again.json) == (200, first)


def test_one_open_shift_a_till(shop: Shop, anna: StaffView) -> None:
    other = shop.add_till("S001", "T2")
    shift = opened(shop, anna).json
    refused = opened(shop, anna)
    assert (refused.status_code, refused.json["code"], refused.json["shift_id"]) == (
        409,
        "shift_open",
        shift["id"],
    )
    assert opened(shop, anna, till=other).status_code == 201
    assert closed(shop, shift["id"], anna, 0, till=other).status_code == 200  # counted at another till
    assert opened(shop, anna).status_code == 201


def test_other_stores_and_strangers_do_not_touch_it(shop: Shop, anna: StaffView) -> None:
    shift = opened(shop, anna).json
    there = shop.open_store("S002")
    elsewhere = shop.add_till("S002", "T1")
    ben = shop.person("ben", Grant("clerk", there.id))
    assert closed(shop, shift["id"], ben, 0, till=elsewhere).json["code"] == "not_found"
    assert closed(shop, shift["id"], ben, 0).json["code"] == "forbidden"
    assert opened(shop, ben).json["code"] == "forbidden"


def test_what_yesterday_left_open_is_shown(shop: Shop, anna: StaffView) -> None:
    till, now = till_of(shop.till).naming(anna.staff_no), clock.now()
    yesterday = open_shift(
        till=till, opening_fen=100, request=request(), now=now - timedelta(days=1, hours=1)
    )
    sell_at(till, None, 500, now - timedelta(days=1))
    shown = shop.till.get("/shifts/current").json
    assert (shown["id"], shown["left_open"], shown["totals"]["sales"]) == (yesterday.id, True, 1)
    assert opened(shop, anna).json["code"] == "shift_open"


def test_a_shift_never_begins_before_the_former_ended(shop: Shop, anna: StaffView) -> None:
    till, now = till_of(shop.till).naming(anna.staff_no), clock.now()
    first = open_shift(till=till, opening_fen=0, request=request(), now=now)
    ahead = now + timedelta(seconds=2)  # another server's clock
    close_shift(till=till, shift_id=first.id, counted_fen=0, request=request(), now=ahead)
    second = open_shift(till=till, opening_fen=0, request=request(), now=now + timedelta(seconds=1))
    assert second.opened_at == ahead


def test_sixteen_open_one_and_close_it_once(shop: Shop, engine: Engine, anna: StaffView) -> None:
    def run(number: int) -> str:
        client = TillClient(shop.till.key, shop.app.test_client())
        answer = opened(shop, anna, number, till=client)
        return str(answer.json.get("id") or answer.json["code"])

    answers = race(16, run)
    assert answers.count("shift_open") == 15
    [shift_id] = set(answers) - {"shift_open"}

    def end(number: int) -> Any:
        client = TillClient(shop.till.key, shop.app.test_client())
        return closed(shop, shift_id, anna, number, till=client).json

    ends = race(16, end)
    assert all(one == ends[0] for one in ends)
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action = 'shift.close'") == [(1,)]


def test_what_began_before_the_end_and_is_written_after_it_is_of_the_time_after(
    shop: Shop, engine: Engine, anna: StaffView
) -> None:
    till = till_of(shop.till).naming(anna.staff_no)
    began = clock.now()
    shift = open_shift(till=till, opening_fen=0, request=request(), now=began)
    ended = began + timedelta(seconds=1)
    sale = sell_at(till, None, 500, began)
    close_shift(till=till, shift_id=shift.id, counted_fen=0, request=request(), now=ended)
    late = sell_at(till, None, 300, began + timedelta(milliseconds=500))
    assert (sale.occurred_at, late.occurred_at) == (began, ended)
    shown = shop.till.get("/totals").json["shifts"][0]["totals"]
    assert (shown["sales"], shown["sales_fen"]) == (1, 500)
    following = open_shift(till=till, opening_fen=0, request=request(), now=ended)
    current = current_shift(till=till, now=ended + timedelta(seconds=1))
    assert current.totals is not None
    assert (following.id, current.totals.sales, current.totals.sales_fen) == (current.id, 1, 300)


def current_or_none(shop: Shop) -> Any:
    answer = shop.till.get("/shifts/current")
    return None if answer.status_code == 404 else current_shift(till=till_of(shop.till), now=clock.now())


def test_the_office_sees_shifts_of_its_stores(shop: Shop, actors: Actors) -> None:
    mine = opened(shop, actors.clerk).json
    ben = shop.person("ben", Grant("clerk", actors.other_store.id))
    theirs = opened(shop, ben, till=actors.till_2).json
    closed(shop, mine["id"], actors.clerk, 10_000)
    client = shop.app.test_client()

    def seen(who: str, query: str = "") -> list[str]:
        token = staff_token(getattr(actors, who).id)
        answer = client.get(
            f"/office/v1/shifts?limit=1{query}", headers={"Authorization": f"Bearer {token}"}
        ).json
        ids = [one["id"] for one in answer["items"]]
        return ids + (seen(who, f"{query}&cursor={answer['next_cursor']}") if answer["next_cursor"] else [])

    assert seen("admin") == [theirs["id"], mine["id"]]
    assert seen("manager") == [mine["id"]]
    assert seen("admin", "&store=S002") == [theirs["id"]]
    assert seen("admin", "&business_date=2026-01-01") == []
    assert seen("admin", f"&business_date={mine['business_date']}") == [theirs["id"], mine["id"]]
