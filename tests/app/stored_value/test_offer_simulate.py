"""Trying an offer on past top-ups: how much more, or less, it would have given."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.errors import NotFound
from app.stored_value import simulate
from app.stored_value.offers import Draft, OfferMalformed
from app.stored_value.simulate import Simulation
from tests.app.stored_value.offering import offer, topped_up
from tests.conftest import rows
from tests.shop import Phone, Shop

HOUR = timedelta(hours=1)


@pytest.fixture
def phones(shop: Shop) -> tuple[Phone, Phone]:
    """Anna topped up 100.00 with an offer of 5.00 and 10 points, and again without one; Ben 50.00 without."""
    anna, ben = shop.member(), shop.member()
    taken = offer(pay_fen=10_000, bonus_fen=500, points=10)
    for phone, more in ((anna, {"offer_id": taken.id}), (anna, {}), (ben, {"amount_fen": 5_000})):
        answer = topped_up(shop, phone, **{"amount_fen": 10_000, **more})
        assert answer.status_code == 201, answer.json
    return anna, ben


def run(*, offer_no: int | None = None, **draft: Any) -> Simulation:
    now = clock.now()
    what = Draft(**{"name_zh": "试", "name_en": "Trial", "pay_fen": 10_000, **draft})
    return simulate.simulate(draft=what, offer_no=offer_no, since=now - HOUR, until=now + HOUR, now=now)


def told(found: Simulation) -> tuple[int, ...]:
    return (
        found.changed,
        found.members_touched,
        found.bonus_before_fen,
        found.bonus_after_fen,
        found.points_after,
    )


def test_as_one_more_it_is_taken_where_it_gives_more(phones: tuple[Phone, Phone], engine: Engine) -> None:
    assert told(run(bonus_fen=800)) == (2, 1, 500, 1_600, 0)
    assert told(run(bonus_fen=400)) == (1, 1, 500, 900, 10)
    assert told(run(pay_fen=5_000, bonus_fen=100)) == (1, 1, 500, 600, 10)
    found = run(bonus_fen=800)
    assert (found.top_ups, found.bonus_more_fen, found.bonus_less_fen, found.points_before) == (
        3,
        1_100,
        0,
        10,
    )
    assert rows(engine, "SELECT count(*) FROM top_up_offers") == [(1,)]


def test_in_the_place_of_another_it_goes_to_those_who_took_that(phones: tuple[Phone, Phone]) -> None:
    assert told(run(offer_no=1, bonus_fen=200)) == (1, 1, 500, 200, 0)
    assert run(offer_no=1, bonus_fen=200).bonus_less_fen == 300
    assert told(run(offer_no=1, pay_fen=20_000, bonus_fen=900)) == (1, 1, 500, 0, 0)
    with pytest.raises(NotFound):
        run(offer_no=2, bonus_fen=1)


def test_first_only_and_limits_for_each_member_are_kept(phones: tuple[Phone, Phone]) -> None:
    assert told(run(bonus_fen=800, first_only=True)) == (1, 1, 500, 800, 0)
    assert told(run(bonus_fen=800, most_per_member=1)) == (1, 1, 500, 800, 0)


def test_what_is_no_offer_is_none_here_either(phones: tuple[Phone, Phone]) -> None:
    with pytest.raises(OfferMalformed):
        run()


def test_what_was_not_credited_in_that_time_is_not_looked_at(phones: tuple[Phone, Phone]) -> None:
    with db.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE top_ups SET credited_at = credited_at - interval '2 hours'"))
    assert run(bonus_fen=800).top_ups == 0
