"""Coupons from another system: what is left of each, who is named by what, and what is wrong with a row.

A test's books are recounted when it ends, so each of these holdings has also been through `flask ledger check`.
"""

import logging
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.clock import HOME_ZONE, business_date, start_of_day
from app.coupons import grant_run
from app.db import transaction
from app.identity import consent
from app.throttle import Limit
from office_api import coupon_grants
from tests.actors import Actors
from tests.adjusting import member_no
from tests.conftest import rows
from tests.coupons import live_template
from tests.office_api.test_coupon_grant_routes import PATH, decided, limits, seen
from tests.office_api.test_coupon_recall_routes import recalled
from tests.phones import bound
from tests.pos_api.test_coupons_in_sales import back
from tests.quoting import TEA, taken

CARD: dict[str, Any] = {"effect": {"kind": "free"}, "uses": 10, "use_value_fen": 1_000}
UNKNOWN = "13999990000"


def through(days: int) -> date:
    """The day so many days from today, by the chain's calendar."""
    return business_date(clock.now(), HOME_ZONE) + timedelta(days=days)


def brought(actors: Actors, template: str, *holdings: dict[str, Any], key: str | None = None) -> Any:
    headers = {**actors.headers("admin"), "Idempotency-Key": key or uuid.uuid4().hex}
    body = {"template_id": template, "holdings": list(holdings), "reason": "from the old system"}
    return actors.shop.app.test_client().post(PATH, json=body, headers=headers)


def refusals(answer: Any) -> list[str | None]:
    assert answer.status_code == 201, answer.json
    assert [one["place"] for one in answer.json["members"]] == list(range(1, len(answer.json["members"]) + 1))
    return [one["refusal"] for one in answer.json["members"]]


def three_left(actors: Actors) -> str:
    """The id of a card for ten uses of member A, three of which are left."""
    answer = brought(
        actors, live_template(clock.now(), **CARD), {"member_no": member_no(actors.a), "uses_left": 3}
    )
    [coupon_id] = answer.json["members"][0]["coupon_ids"]
    return str(coupon_id)


def test_a_half_used_card_has_what_is_left_until_its_own_day(actors: Actors, engine: Engine) -> None:
    last = through(9)
    named = {"member_no": member_no(actors.a), "uses_left": 3, "valid_through": last.isoformat()}
    answer = brought(actors, live_template(clock.now(), **CARD), named, {"member_no": member_no(actors.b)})
    assert refusals(answer) == [None, None]
    told = answer.json["members"][0]
    assert (told["uses_left"], told["valid_through"]) == (3, last.isoformat())
    assert seen(actors, f"{answer.json['id']}/members").json["items"] == answer.json["members"]
    ends = "SELECT uses, valid_until FROM coupons ORDER BY uses"
    own, whole = rows(engine, ends)
    assert own == (3, start_of_day(last + timedelta(days=1), HOME_ZONE))
    assert whole == (10, start_of_day(through(30), HOME_ZONE))
    [card] = actors.a.get("/coupons").json["items"]
    assert (card["uses_left"], card["valid_through"]) == (3, last.isoformat())


def test_at_the_till_three_uses_are_three_and_one_of_a_refund_comes_back(
    actors: Actors, engine: Engine
) -> None:
    shop, key = actors.shop, f"coupon:{three_left(actors)}"
    sales, lefts = [], []
    for n in (-1, 0, 1):
        ticket = shop.till.ticket(shop.code(actors.a, steps=n))
        quote = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA]}).json
        mine = [one for one in quote["benefits"] if one["key"] == key]
        lefts += [one["coupon"]["uses_left"] for one in mine if one["applied"]]
        sales.append(taken(shop, quote))
    assert (lefts, rows(engine, "SELECT state, used FROM coupons")) == ([3, 2, 1], [("used", 3)])
    assert back(shop, sales[0]).json["coupons"][0]["outcome"] == "restored"
    assert rows(engine, "SELECT state, used, restored FROM coupons") == [("held", 3, 1)]


def test_an_unused_use_is_worth_what_its_face_says(actors: Actors) -> None:
    told = recalled(actors, coupon_ids=[three_left(actors)]).json
    assert (told["unused_uses"], told["unused_value_fen"]) == (3, 3_000)


def test_each_row_has_its_own_fault_and_the_others_get_theirs(actors: Actors, engine: Engine) -> None:
    shop, template = actors.shop, live_template(clock.now(), **CARD)
    left, right, many, over, beyond = (member_no(shop.member()) for _ in range(5))
    answer = brought(
        actors,
        template,
        {"member_no": left, "uses_left": 10, "valid_through": through(0).isoformat()},
        {"member_no": "nobody", "uses_left": 1},
        {"member_no": many, "uses_left": 11},
        {"member_no": over, "valid_through": through(-1).isoformat()},
        {"member_no": beyond, "valid_through": through(60).isoformat()},
        {"member_no": left, "uses_left": 2},
        {"phone": UNKNOWN},
        {"phone": "not a number"},
        {"member_no": right, "uses_left": 1},
    )
    assert refusals(answer) == [
        None,
        "not_found",
        "coupon_uses_out_of_range",
        "coupon_end_out_of_range",
        "coupon_end_out_of_range",
        "coupon_member_twice",
        "not_found",
        "phone_malformed",
        None,
    ]
    assert (answer.json["state"], answer.json["issued"], answer.json["refused"]) == ("done", 2, 7)
    assert rows(engine, "SELECT uses FROM coupons ORDER BY uses") == [(1,), (10,)]


def test_a_phone_number_finds_its_member_and_stays_nowhere(
    actors: Actors, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shop, number = actors.shop, "13800138000"
    phone, gone = bound(shop, shop.member()), bound(shop, shop.member(), "+8613800138001")
    with transaction() as session:
        consent.take_back(session, gone.member_id, now=clock.now())
    limits(alone_grants=0)
    sent = [
        {"phone": "138 0013-8000", "uses_left": 3},
        {"phone": f"+86{number}"},
        {"member_no": member_no(phone)},
        {"phone": "13800138001"},
        {"phone": UNKNOWN},
    ]
    template = live_template(clock.now(), conditions={"stores": [shop.store.id]}, **CARD)
    answer = brought(actors, template, *sent, key="k")
    twice = "coupon_member_twice"
    assert refusals(answer) == [None, twice, twice, "not_found", "not_found"]
    numbers = [one["member_no"] for one in answer.json["members"]]
    assert numbers == [None, None, member_no(phone), None, None]
    assert brought(actors, template, *sent, key="k").data == answer.data
    assert decided(actors, answer.json["approval_id"]).status_code == 204
    assert grant_run.sweep(now=clock.now()) == 1
    assert rows(engine, "SELECT issued_to, uses FROM coupons") == [(phone.member_id, 3)]
    given = actors.shop.app.test_client().get(
        f"/office/v1/coupon-grants/{answer.json['id']}/members", headers=actors.headers("manager")
    )
    assert given.json["items"][0]["member_no"] == member_no(phone)
    by_phone = "SELECT CAST(data ->> 'by_phone' AS integer) FROM audit_log WHERE action = 'coupons.grant'"
    assert rows(engine, by_phone) == [(4,)]
    written = str([rows(engine, f"SELECT x::text FROM {table} x") for table in KEPT])
    for digits in ("0013800", "0013-8000", "99990000"):
        assert digits not in written + caplog.text + answer.text


KEPT = (
    "coupon_grants",
    "coupon_grant_members",
    "approval_requests",
    "audit_log",
    "idempotency_keys",
    "facts",
)


def test_the_key_of_a_list_with_phone_numbers_holds_no_hash_to_try_numbers_against(
    actors: Actors, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = live_template(clock.now())
    asked = "SELECT request_hash FROM idempotency_keys WHERE key = 'k'"
    brought(actors, template, {"phone": UNKNOWN}, key="k")
    [blind] = rows(engine, asked)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM idempotency_keys"))
    monkeypatch.setattr(type(actors.shop.parts.phones), "blind", lambda _, hashed: hashed)
    brought(actors, template, {"phone": UNKNOWN}, key="k")
    assert rows(engine, asked) != [blind]


def test_above_the_limit_a_second_person_sees_what_is_left_and_the_day_is_asked_again(
    actors: Actors, engine: Engine
) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]}, **CARD)
    limits(alone_grants=0)
    named = [
        {"member_no": member_no(actors.a), "uses_left": 3, "valid_through": through(1).isoformat()},
        {"member_no": member_no(actors.b), "uses_left": 4},
    ]
    answer = brought(actors, template, *named)
    assert (answer.json["state"], answer.json["left"]) == ("waiting", 2)
    assert brought(actors, template, *named).json["id"] == answer.json["id"]  # a press too many
    assert brought(actors, template, named[0], {**named[1], "uses_left": 5}).json["id"] != answer.json["id"]
    path = "/office/v1/approvals?state=pending"
    asked = actors.shop.app.test_client().get(path, headers=actors.headers("manager")).json["items"]
    [details] = [one["details"] for one in asked if one["subject"] == answer.json["id"]]
    assert details["holdings"] == [
        {**named[0], "refusal": None},
        {**named[1], "valid_through": None, "refusal": None},
    ]
    assert decided(actors, answer.json["approval_id"]).status_code == 204
    grant_run.run(answer.json["id"], now=clock.now() + timedelta(days=3))
    found = seen(actors, f"{answer.json['id']}/members").json["items"]
    assert [one["refusal"] for one in found] == ["coupon_end_out_of_range", None]
    assert rows(engine, "SELECT uses FROM coupons") == [(4,)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"holdings": []},
        {"holdings": [{"member_no": "x"}] * 501},
        {"holdings": [{"member_no": "x"}], "members": ["x"]},
        {"holdings": [{}]},
        {"holdings": [{"member_no": "x", "phone": UNKNOWN}]},
        {"holdings": [{"member_no": "x", "uses_left": 0}]},
        {"holdings": [{"member_no": "x", "uses_left": 1_001}]},
        {"holdings": [{"member_no": "x", "valid_through": "31.3.2027"}]},
        {"holdings": [{"member_no": "x", "valid_until": "2027-03-31"}]},
    ],
)
def test_what_makes_no_sense_is_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    body = {"template_id": live_template(clock.now()), "reason": "from the old system", **wrong}
    headers = {**actors.headers("admin"), "Idempotency-Key": "k"}
    refused = actors.shop.app.test_client().post(PATH, json=body, headers=headers)
    assert refused.status_code == 422
    assert UNKNOWN not in refused.text


def test_a_row_that_is_wrong_tells_of_no_number_whose_it_is(actors: Actors, engine: Engine) -> None:
    bound(actors.shop, actors.shop.member())
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]}, **CARD)
    late = {"valid_through": "2000-01-01"}
    answer = brought(actors, template, {"phone": "13800138000", **late}, {"phone": UNKNOWN, **late})
    assert refusals(answer) == ["coupon_end_out_of_range"] * 2
    assert [one["member_no"] for one in answer.json["members"]] == [None, None]


def test_numbers_are_named_so_often_a_day_and_each_list_is_written_down(
    actors: Actors, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupon_grants, "BY_PHONE", Limit("few", 3, 3_600))
    bound(actors.shop, actors.shop.member())
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]}, **CARD)
    limits(alone_grants=0)
    first = brought(actors, template, {"phone": "13800138000"}, {"phone": "13800138000"})
    again = brought(actors, template, {"phone": "13800138000"}, {"phone": "13800138000"})
    assert (first.status_code, again.status_code) == (201, 429)
    other = brought(actors, template, {"phone": UNKNOWN})
    assert other.json["id"] != first.json["id"]
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action LIKE 'coupons.grant%'") == [(2,)]


def test_who_is_refused_counts_for_no_limit(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]}, **CARD)
    limits(alone_grants=2, alone_grants_a_day=2)
    wrong = [{"member_no": f"nobody{n}"} for n in range(5)]
    assert brought(actors, template, *wrong).json["state"] == "done"
    named = [{"member_no": member_no(one)} for one in (actors.a, actors.b)]
    answer = brought(actors, template, *named, *wrong)
    assert (answer.json["state"], answer.json["issued"], answer.json["refused"]) == ("done", 2, 5)


def test_a_row_that_fits_by_now_is_another_request(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]}, **CARD)
    limits(alone_grants=0)
    rest = [{"member_no": member_no(actors.a), "uses_left": 15}, {"member_no": member_no(actors.b)}]
    first = brought(actors, template, *rest)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE coupon_faces SET face = jsonb_set(face, '{uses}', '20')"))
    second = brought(actors, template, *rest)
    assert (refusals(first)[0], refusals(second)[0]) == ("coupon_uses_out_of_range", None)
    assert second.json["id"] != first.json["id"]
