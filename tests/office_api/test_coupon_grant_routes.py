"""Coupons for members by name: each gets theirs or a reason, once, whatever is in the way of the others."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.coupons import grant, grant_run
from app.coupons.grant_rows import by_number
from app.coupons.policy import CouponPolicy
from app.db import transaction
from app.engagement import referral_staff
from app.idempotency import Request
from app.identity import consent
from app.policies import change, standing
from tests.actors import Actors
from tests.adjusting import member_no
from tests.conftest import rows
from tests.coupons import give, live_template
from tests.racing import race
from tests.shop import BOSS, Phone

PATH = "/office/v1/coupon-grants"


def granted(
    actors: Actors,
    template: str,
    members: list[str],
    *,
    who: str = "admin",
    key: str | None = None,
    **more: Any,
) -> Any:
    headers = {**actors.headers(who), "Idempotency-Key": key or uuid.uuid4().hex}
    body = {"template_id": template, "members": members, "reason": "late delivery", **more}
    return actors.shop.app.test_client().post(PATH, json=body, headers=headers)


def seen(actors: Actors, path: str, who: str = "admin") -> Any:
    return actors.shop.app.test_client().get(f"{PATH}/{path}", headers=actors.headers(who))


def decided(actors: Actors, approval_id: str, *, agree: bool = True) -> Any:
    path = f"/office/v1/approvals/{approval_id}/decision"
    return actors.shop.app.test_client().post(path, json={"agree": agree}, headers=actors.headers("manager"))


def numbers(phones: list[Phone]) -> list[str]:
    return [member_no(phone) for phone in phones]


def limits(**value: int) -> None:
    change(
        kind=CouponPolicy,
        value=value,
        version=standing(CouponPolicy).version,
        actor=OPERATOR,
        now=clock.now(),
    )


def test_each_member_gets_theirs_or_a_reason_and_none_stands_in_anothers_way(
    actors: Actors, engine: Engine
) -> None:
    shop = actors.shop
    template = live_template(clock.now(), stock=3, terms={"per_member": 1})
    had, gone, first, second, late = (shop.member() for _ in range(5))
    give(template, had.member_id, clock.now())
    with transaction() as session:
        consent.take_back(session, gone.member_id, now=clock.now())
    named = [*numbers([had, gone, first]), "nobody", *numbers([second, late, first])]
    answer = granted(actors, template, named)
    assert answer.status_code == 201, answer.json
    told = [
        (one["member_no"], one["state"], one["refusal"], len(one["coupon_ids"]))
        for one in answer.json["members"]
    ]
    assert told == [
        (named[0], "refused", "coupon_limit_reached", 0),
        (named[1], "refused", "not_found", 0),
        (named[2], "issued", None, 1),
        ("nobody", "refused", "not_found", 0),
        (named[4], "issued", None, 1),
        (named[5], "refused", "coupons_used_up", 0),
    ]
    assert (answer.json["state"], answer.json["issued"], answer.json["refused"]) == ("done", 2, 4)
    held = "SELECT count(*) FROM coupons WHERE source = 'grant' AND source_id = :id AND granted_by = :who"
    assert rows(engine, held, id=answer.json["id"], who=actors.admin.id) == [(2,)]
    assert rows(engine, "SELECT stock, issued FROM coupon_stock") == [(3, 3)]
    grant_id = answer.json["id"]
    assert seen(actors, grant_id).json == {k: v for k, v in answer.json.items() if k != "members"}
    first_page = seen(actors, f"{grant_id}/members?limit=4").json
    rest = seen(actors, f"{grant_id}/members?cursor={first_page['next_cursor']}").json
    assert first_page["items"] + rest["items"] == answer.json["members"]


def test_the_same_key_gives_nobody_more_and_answers_the_same(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now())
    named = numbers([actors.a, actors.b])
    first = granted(actors, template, named, key="once", count=2)
    assert granted(actors, template, named, key="once", count=2).data == first.data
    assert rows(engine, "SELECT issued_to, count(*) FROM coupons GROUP BY 1 ORDER BY 1") == [
        (actors.a.member_id, 2),
        (actors.b.member_id, 2),
    ]
    other = granted(actors, template, named, key="once", count=3)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("how", ["again", "worker"])
def test_what_was_cut_off_is_finished_by_the_same_key_or_the_worker(
    actors: Actors, engine: Engine, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    template = live_template(clock.now())
    phones = [actors.shop.member() for _ in range(6)]
    real, done = grant_run._give, []

    def killed(grant_id: str, place: int, now: Any) -> None:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(place)
        real(grant_id, place, now)

    monkeypatch.setattr(grant_run, "_give", killed)
    with pytest.raises(KeyboardInterrupt):
        granted(actors, template, numbers(phones), key="cut-off")
    monkeypatch.setattr(grant_run, "_give", real)
    [(grant_id,)] = rows(engine, "SELECT id FROM coupon_grants")
    told = seen(actors, str(grant_id)).json
    assert (told["state"], told["issued"], told["left"]) == ("open", 3, 3)
    if how == "worker":
        assert grant_run.sweep(now=clock.now()) == 0  # somebody may still be at it
        assert grant_run.sweep(now=clock.now() + timedelta(minutes=2)) == 1
    answer = granted(actors, template, numbers(phones), key="cut-off")
    assert (answer.json["state"], answer.json["issued"]) == ("done", 6)
    assert rows(engine, "SELECT count(*), count(DISTINCT issued_to) FROM coupons") == [(6, 6)]


def test_above_the_limit_nothing_is_given_until_a_second_person_agrees(
    actors: Actors, engine: Engine
) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]})
    limits(alone_grants=1)
    named = numbers([actors.a, actors.b])
    answer = granted(actors, template, named)
    assert (answer.status_code, answer.json["state"], answer.json["left"]) == (201, "waiting", 2)
    assert granted(actors, template, named).json["id"] == answer.json["id"]  # a press too many
    assert grant_run.sweep(now=clock.now()) == 0
    assert rows(engine, "SELECT count(*) FROM coupons") == [(0,)]
    assert decided(actors, answer.json["approval_id"]).status_code == 204
    assert seen(actors, answer.json["id"]).json["state"] == "open"
    assert grant_run.sweep(now=clock.now()) == 1
    told = seen(actors, answer.json["id"]).json
    assert (told["state"], told["issued"]) == ("done", 2)


def test_after_a_no_or_without_an_answer_nobody_gets_anything(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]})
    limits(alone_grants=0)
    refused = granted(actors, template, numbers([actors.a])).json
    assert decided(actors, refused["approval_id"], agree=False).status_code == 204
    assert seen(actors, refused["id"]).json["state"] == "closed"
    forgotten = granted(actors, template, numbers([actors.b])).json
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE approval_requests SET expires_at = requested_at WHERE state = 'pending'")
        )
    assert seen(actors, forgotten["id"]).json["state"] == "closed"
    assert grant_run.sweep(now=clock.now() + timedelta(days=1)) == 0


def test_many_small_grants_are_a_large_one(actors: Actors) -> None:
    template = live_template(clock.now())
    limits(alone_grants=2, alone_grants_a_day=3)
    states = [granted(actors, template, numbers([actors.a]), count=2).json["state"] for _ in range(2)]
    assert states == ["done", "waiting"]
    assert granted(actors, template, numbers([actors.b])).json["state"] == "done"


def started(actors: Actors, wish: grant.Wish, request: Request) -> grant.Granted:
    return grant.start(
        wish=wish,
        staff_id=actors.admin.id,
        request=request,
        vault=actors.shop.parts.phones,
        now=clock.now(),
    )


def halves_at_once(actors: Actors) -> int:
    """How many of sixteen calls of one person were carried out alone, where three may be."""
    template = live_template(clock.now())
    limits(alone_grants=1, alone_grants_a_day=3)
    named = numbers([actors.a])

    def run(n: int) -> bool:
        wish = grant.Wish(template_id=template, rows=by_number(named), count=1, reason=f"reason {n}")
        request = Request(scope="staff:1", key=f"key-{n}", hash=b"")
        made = started(actors, wish, request)
        return bool(seen(actors, made.grant_id).json["state"] == "open")

    return race(16, run).count(True)


def test_sixteen_at_once_by_one_person_keep_the_days_limit(actors: Actors) -> None:
    assert halves_at_once(actors) == 3


@pytest.mark.long
def test_without_one_after_another_they_would_not(actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""

    real = grant.select

    def select(*what: Any) -> Any:
        found = real(*what)
        if what and what[0] is grant.Staff.id:
            found.with_for_update = lambda **_: found  # type: ignore[method-assign]
        return found

    monkeypatch.setattr(grant, "select", select)
    assert halves_at_once(actors) > 3


def test_the_worker_and_the_same_key_at_once_give_each_member_theirs_once(
    actors: Actors, engine: Engine
) -> None:
    template = live_template(clock.now(), stock=40)
    phones = [actors.shop.member() for _ in range(20)]
    wish = grant.Wish(template_id=template, rows=by_number(numbers(phones)), count=2, reason="twice")
    request = Request(scope="staff:1", key="one", hash=b"")
    made = started(actors, wish, request)
    race(16, lambda _: grant_run.run(made.grant_id, now=clock.now()))
    grant_run.run(made.grant_id, now=clock.now())
    told = seen(actors, made.grant_id).json
    assert (told["state"], told["issued"]) == ("done", 20)
    assert rows(engine, "SELECT count(*) FROM coupons") == [(40,)]
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(40,)]


def test_who_may_give_what_and_see_it(actors: Actors) -> None:
    whole = live_template(clock.now())
    foreign = live_template(clock.now(), conditions={"stores": [actors.other_store.id]})
    own = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]})
    named = numbers([actors.a])
    for template, status in ((whole, 403), (foreign, 404), ("0" * 26, 404), (own, 201)):
        assert granted(actors, template, named, who="manager").status_code == status
    made = granted(actors, foreign, named).json["id"]
    assert seen(actors, made, "manager").status_code == 404
    assert seen(actors, f"{made}/members", "manager").status_code == 404
    assert seen(actors, f"{made}/members").status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"members": []}, {"members": ["x"] * 1_001}, {"count": 0}, {"count": 11}, {"reason": ""}]
)
def test_what_makes_no_sense_is_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    body = {"members": ["x"], **wrong}
    assert granted(actors, live_template(clock.now()), body.pop("members"), **body).status_code == 422


def test_a_grant_to_the_persons_own_membership_stands_under_their_name(
    actors: Actors, engine: Engine
) -> None:
    """Unlike a clerk's gift at a till, which is refused: what is given here has a right, a reason and limits."""
    own, template = actors.shop.member(), live_template(clock.now())
    referral_staff.add(staff_id=actors.admin.id, member_no=member_no(own), boss=BOSS, now=clock.now())
    [member] = granted(actors, template, numbers([own])).json["members"]
    assert member["state"] == "issued"
    told = rows(engine, "SELECT actor_id FROM audit_log WHERE action = 'coupons.grant'")
    assert told == [(actors.admin.id,)]
