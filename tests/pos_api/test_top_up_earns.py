"""What a top-up earns by rules: as a sale does, told and kept with it, within the limits, and taken back with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.points.change import create
from app.points.rules import Base, Caps, Conditions, Definition, Expiry, Extra, Multiplier
from app.points.versions import Draft
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stored_value import earned, limits
from tests.app.stored_value.offering import offer, ticket, topped_up
from tests.app.stored_value.refunding import refunded, shown
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

RUNNERS = 16


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


@pytest.fixture
def clerk(shop: Shop) -> StaffView:
    return shop.person("clerk-1", Grant("clerk", shop.store.id))


def rule(definition: Definition, name: str = "rule") -> None:
    draft = Draft(name_zh=f"规则 {name}", name_en=name, applies_to="top_up", definition=definition)
    create(draft=draft, actor=OPERATOR, now=clock.now())


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def test_base_multiplier_and_extra_count_and_are_told(shop: Shop, phone: Phone) -> None:
    rule(Base(rate_bp=2_000, expiry=Expiry(kind="days", n=30)), "base")
    rule(Multiplier(factor_bp=15_000), "half more")
    rule(Extra(points=7), "extra")
    rule(Extra(points=9, conditions=Conditions(categories=frozenset({"tea"}))), "goods only")
    answer = topped_up(shop, phone, offer_id=offer().id).json
    assert (answer["points"], answer["points_earned"]) == (100, 157)
    assert [(part["name"], part["points"]) for part in answer["earned"]] == [
        ("规则 base", 100),
        ("规则 half more", 50),
        ("规则 extra", 7),
    ]
    assert points(phone) == 257
    [entry, gift] = phone.get("/me/points/entries").json["items"]
    assert (entry["text"], entry["points"], len(entry["earned"])) == ("储值积分", 157, 3)
    assert (gift["points"], gift["earned"]) == (100, [])
    assert entry["valid_through"] is not None


def test_rules_of_sales_give_nothing_for_a_top_up_nor_the_other_way_round(shop: Shop, phone: Phone) -> None:
    assert topped_up(shop, phone).json["points_earned"] == 0
    rule(Base(rate_bp=10_000))
    shop.earn(phone, 5)
    assert points(phone) == 5


def test_what_was_earned_goes_back_with_the_principal(shop: Shop, phone: Phone, clerk: StaffView) -> None:
    rule(Base(rate_bp=10_000))
    top_up = topped_up(shop, phone, offer_id=offer().id).json["id"]
    assert points(phone) == 600
    member = ticket(shop, phone)
    assert shown(shop, top_up, "?principal_fen=20000").json["points"] == 240
    answer = refunded(shop, top_up, clerk, 20_000, principal_fen=20_000, ticket=member).json
    assert (answer["points_taken"], points(phone)) == (240, 360)
    assert refunded(shop, top_up, clerk, 30_000, ticket=member).json["points_taken"] == 360
    assert points(phone) == 0


def fill(shop: Shop, phone: Phone) -> list[Any]:
    """Sixteen top-ups of 10.00 at once, of a member with a rule that gives 10 points each and 55 a day."""
    rule(Base(rate_bp=0))
    rule(Extra(points=10, caps=Caps(per_day=55)))
    one = ticket(shop, phone)
    with_tickets = [f"{number:043}" for number in range(RUNNERS)]
    copy_tickets(one, with_tickets)

    def run(number: int) -> Any:
        return topped_up(shop, phone, amount_fen=1_000, ticket=with_tickets[number])

    return race(RUNNERS, run)


def copy_tickets(one: str, copies: list[str]) -> None:
    """One code was scanned; as if each of these had been a scan of its own."""

    with db.transaction() as session:
        for copy in copies:
            session.execute(
                text(
                    "INSERT INTO scan_tickets (id, member_id, terminal_id, staff_id, created_at, expires_at)"
                    " SELECT :copy, member_id, terminal_id, staff_id, created_at, expires_at FROM scan_tickets"
                    " WHERE id = :one"
                ),
                {"copy": copy, "one": one},
            )


def test_sixteen_at_once_stay_within_the_limit_of_the_day(shop: Shop, phone: Phone, engine: Engine) -> None:
    answers = fill(shop, phone)
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json["points_earned"] for answer in answers) == [0] * 10 + [5] + [10] * 5
    assert rows(engine, "SELECT points FROM earn_counts") == [(55,)]


@pytest.mark.long
class TestWithoutTheLock:
    @pytest.fixture
    def engine(self, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
        nothing = text("SELECT pg_sleep(0.05), CAST(:member_id AS text)")
        monkeypatch.setattr(earned, "_ONE_AT_A_TIME", nothing)
        monkeypatch.setattr(limits, "_ONE_AT_A_TIME", nothing)
        return unaudited_engine

    @pytest.mark.long
    def test_the_constraint_alone_turns_top_ups_away(self, shop: Shop, phone: Phone) -> None:
        assert 500 in {answer.status_code for answer in fill(shop, phone)}
