"""The audit log is read by those who answer for it: their stores, by filters, a page at a time, no names of persons."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import audit, clock, db
from app.staff.audit_shown import MOST_MEMBERS
from tests.actors import Actors
from tests.adjusting import member_no
from tests.conftest import rows

#: Later than anything the shop did when it was opened.
LATER = timedelta(minutes=1)


class Reader:
    def __init__(self, actors: Actors, who: str) -> None:
        self._client, self._headers = actors.shop.app.test_client(), actors.headers(who)

    def __call__(self, **query: Any) -> Any:
        asked = {name.rstrip("_"): value for name, value in query.items()}
        return self._client.get("/office/v1/audit-entries", query_string=asked, headers=self._headers)

    def told(self, **query: Any) -> list[dict[str, Any]]:
        answer = self(**query)
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def ids(self, **query: Any) -> list[str]:
        return [one["object_id"] for one in self.told(**query)]


@pytest.fixture
def admin(actors: Actors) -> Reader:
    return Reader(actors, "admin")


@pytest.fixture
def manager(actors: Actors) -> Reader:
    return Reader(actors, "manager")


def note(
    who: int | None,
    action: str,
    about: tuple[str, object],
    *,
    at: datetime,
    store_id: int | None = None,
    **data: Any,
) -> None:
    actor = audit.SYSTEM if who is None else audit.Actor(type="staff", id=who)
    with db.transaction() as session:
        audit.record(session, actor, action, *about, now=at, store_id=store_id, **data)


@pytest.fixture
def noted(actors: Actors) -> datetime:
    """Six deeds, a second apart, the first at this time."""
    at, here, there = clock.now() + LATER, actors.shop.store.id, actors.other_store.id
    clerk, boss = actors.clerk.id, actors.admin.id
    for seconds, (who, action, about, store) in enumerate(
        (
            (clerk, "coupon.redeem", ("coupon", "c1"), here),
            (clerk, "coupon.undo", ("coupon", "c1"), here),
            (boss, "coupon.redeem", ("coupon", "c2"), there),
            (boss, "policy.change", ("policy", "messages"), None),
            (clerk, "sale.refund", ("sale", "s1"), here),
            (None, "coupons.expire", ("run", "r1"), None),
        )
    ):
        note(who, action, about, at=at + timedelta(seconds=seconds), store_id=store)
    return at


def test_newest_first_and_in_ones_own_stores_alone(
    admin: Reader, manager: Reader, noted: datetime, actors: Actors
) -> None:
    from_ = noted.isoformat()
    assert admin.ids(from_=from_) == ["r1", "s1", "messages", "c2", "c1", "c1"]
    assert manager.ids(from_=from_) == ["s1", "c1", "c1"]
    assert admin.ids(from_=from_, store="S002") == ["c2"]
    assert manager(store="S002").status_code == manager(store="S404").status_code == 404
    newest = admin.told(from_=from_, limit=2)
    assert newest[0] | {"id": 0} == {
        "id": 0,
        "at": (noted + timedelta(seconds=5)).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "actor_type": "system",
        "actor": None,
        "action": "coupons.expire",
        "object_type": "run",
        "object_id": "r1",
        "store": None,
        "data": {},
    }
    assert (newest[1]["actor"], newest[1]["store"]) == (actors.clerk.staff_no, "S001")


def test_each_filter_alone_and_together(
    admin: Reader, manager: Reader, noted: datetime, actors: Actors
) -> None:
    def found(reader: Reader = admin, **query: Any) -> list[str]:
        return [one["action"] for one in reader.told(from_=noted.isoformat(), **query)]

    clerk = actors.clerk.staff_no
    assert found(actor=clerk) == ["sale.refund", "coupon.undo", "coupon.redeem"]
    assert found(actor="nobody") == []
    assert found(action="coupon.redeem") == ["coupon.redeem", "coupon.redeem"]
    assert found(action="coupon") == ["coupon.redeem", "coupon.undo", "coupon.redeem"]
    assert found(action="coup") == found(action="coupon.re") == []
    assert found(object_type="coupon", object_id="c1") == ["coupon.undo", "coupon.redeem"]
    assert found(actor=clerk, object_type="coupon", object_id="c1") == ["coupon.undo", "coupon.redeem"]
    assert found(actor=clerk, object_type="coupon", object_id="c2") == []
    assert found(actor=clerk, action="coupon", store="S001") == ["coupon.undo", "coupon.redeem"]
    assert found(action="coupon", store="S002") == ["coupon.redeem"]
    assert found(manager, action="policy") == []
    assert found(manager, object_type="policy", object_id="messages") == []
    assert found(manager, action="coupon", object_type="coupon", object_id="c1") == [
        "coupon.undo",
        "coupon.redeem",
    ]
    until = (noted + timedelta(seconds=2)).isoformat()
    assert found(until=until) == ["coupon.undo", "coupon.redeem"]


@pytest.mark.parametrize(
    "query",
    [{}, {"action": "coupon"}, {"store": "S001"}, {"object_type": "coupon", "object_id": "x"}],
    ids=lambda query: "-".join(query) or "all",
)
def test_a_page_at_a_time_also_of_one_moment(actors: Actors, admin: Reader, query: dict[str, str]) -> None:
    at = clock.now() + LATER
    for number in range(7):
        note(
            actors.clerk.id,
            "coupon.redeem" if number % 2 else "coupon.give",
            ("coupon", "x"),
            at=at,
            store_id=actors.shop.store.id,
            number=number,
        )
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        answer = admin(from_=at.isoformat(), limit=3, **query, **cursor).json
        seen += [one["data"]["number"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_people_and_places_have_numbers_and_codes_and_no_ids(
    actors: Actors, admin: Reader, manager: Reader, engine: Engine
) -> None:
    at, here, there = clock.now() + LATER, actors.shop.store.id, actors.other_store.id
    number, a = member_no(actors.a), actors.a.member_id
    [(till,)] = rows(engine, "SELECT id FROM terminals WHERE store_id = :id AND code = 'T1'", id=here)
    data = {
        "member_id": a,
        "members": [a],
        "terminal_id": till,
        "grants": [f"clerk@{there}", "admin"],
        "definition": {"conditions": {"stores": [here, there]}},
        "stock": [{"store_id": there, "stock": 5}],
    }
    note(actors.clerk.id, "member.try", ("member", a), at=at, store_id=here, **data)
    [seen] = admin.told(object_type="member", object_id=number, from_=at.isoformat())
    assert seen["object_id"] == number
    assert seen["data"] == {
        "member_no": number,
        "members": [number],
        "terminal": "T1",
        "grants": ["clerk@S002", "admin"],
        "definition": {"conditions": {"stores": ["S001", "S002"]}},
        "stock": [{"store": "S002", "stock": 5}],
    }
    [told] = manager.told(object_type="member", object_id=number, from_=at.isoformat())
    assert "S002" not in str(told)
    assert told["data"]["definition"] == {"conditions": {"stores": ["S001"]}}


def test_of_many_members_some_are_named_and_the_others_counted(actors: Actors, admin: Reader) -> None:
    at = clock.now() + LATER
    many = [actors.a.member_id] * (MOST_MEMBERS + 7)
    note(None, "member.tag", ("tag", "vip"), at=at, members=many)
    [told] = admin.told(action="member.tag")
    assert len(told["data"]["members"]) == MOST_MEMBERS
    assert told["data"]["members_more"] == 7


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("打 13800138000 找他", "打 *** 找他"),
        ("+86 138-0013-8000", "***"),
        ("+852 9123 4567, a.b@example.com!", "***, ***!"),
        ("receipt 20261129000017, 120 yuan", "receipt 20261129000017, 120 yuan"),
    ],
)
def test_what_somebody_typed_names_nobody(actors: Actors, admin: Reader, typed: str, told: str) -> None:
    about = ("member", actors.a.member_id)
    note(actors.clerk.id, "member.marketing", about, at=clock.now(), note=typed, after={"reason": typed})
    [seen] = admin.told(action="member.marketing")
    assert seen["data"] == {"note": told, "after": {"reason": told}}


def test_a_member_who_acts_has_their_number_and_one_who_is_not_there_none(
    actors: Actors, admin: Reader
) -> None:
    with db.transaction() as session:
        for member_id in (actors.b.member_id, 10**9):
            me = audit.Actor(type="member", id=member_id)
            audit.record(session, me, "member.try", "member", member_id, now=clock.now())
    gone, there = admin.told(action="member.try")
    assert (there["actor"], there["object_id"]) == (member_no(actors.b),) * 2
    assert (gone["actor_type"], gone["actor"], gone["object_id"]) == ("member", None, None)


def test_a_number_that_was_looked_up_in_vain_stands_there_without_it(actors: Actors, admin: Reader) -> None:
    note(actors.clerk.id, "member.find_by_phone", ("member", "nobody"), at=clock.now())
    [told] = admin.told(object_type="member", object_id="nobody")
    assert (told["object_id"], told["data"]) == ("nobody", {})


def test_what_is_asked_is_looked_for_and_not_read_through(
    actors: Actors, admin: Reader, unaudited_engine: Engine
) -> None:
    """Of 30,000 rows no filter reads more than some hundreds."""
    with unaudited_engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO audit_log (at, actor_type, actor_id, action, object_type, object_id, store_id, data)
                SELECT CAST('2026-01-01' AS timestamptz) + n * interval '1 minute', 'staff', :clerk,
                    CASE n WHEN 7 THEN 'coupon.undo' ELSE 'coupon.redeem' END, 'coupon', n::text, :store, '{}'
                FROM generate_series(1, 30000) n"""),
            {"clerk": actors.clerk.id, "store": actors.shop.store.id},
        )
        connection.execute(text("ANALYZE audit_log"))

    def read() -> int:
        """Rows of the log that were fetched, by index or in order."""
        with unaudited_engine.connect() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
            return int(
                connection.execute(
                    text("""
                        SELECT pg_stat_get_tuples_returned('audit_log'::regclass)
                            + pg_stat_get_tuples_fetched('audit_log'::regclass)""")
                ).scalar_one()
            )

    for query in (
        {},
        {"actor": actors.marketer.staff_no},
        {"action": "coupon.undo"},
        {"action": "coupon"},
        {"action": "nothing.such"},
        {"store": "S002"},
        {"object_type": "coupon", "object_id": "17"},
        {"from": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:05:00Z"},
        {"actor": actors.marketer.staff_no, "action": "coupon.redeem"},
    ):
        before = read()
        admin.told(**query)
        assert read() - before < 500, query
