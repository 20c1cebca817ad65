"""With a guard taken away the races of referrals are lost: negative controls of the tests beside this one."""

from collections import Counter

import pytest
from sqlalchemy import Engine, text

from app.engagement import chances
from app.engagement import grant as grants
from app.engagement import referral as rules
from tests.app.engagement.inviting import states
from tests.app.engagement.test_gifts import points
from tests.app.engagement.test_referral_races import CROWD, crowd, one_referral, settled
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.mark.long
def test_without_its_lock_a_purchase_meets_the_schema_and_without_that_is_rewarded_again(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inviter, _, referral_id = one_referral(shop, engine)
    # Everybody has looked before anybody writes: neither the row nor the place keeps them apart.
    look = "SELECT r.*, pg_sleep(0.2) FROM referrals r WHERE r.id = :id"
    monkeypatch.setattr(rules, "_LOCK", text(look))
    monkeypatch.setattr(chances, "_LOCK", text(str(chances._LOCK).replace("FOR UPDATE", "")))
    monkeypatch.setattr(grants, "_former", lambda *_: None)
    results = race(CROWD, lambda _: settled(referral_id))
    assert (results.count("done"), results.count("schema")) == (1, CROWD - 1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE referrals SET state = 'pending', sale_id = NULL, at_least_fen = NULL,"
            " rewarded_at = NULL, counted_on = NULL, nth = NULL, most = NULL, nth_of_day = NULL, most_a_day = NULL,"
            " inviter_grant_id = NULL, newcomer_grant_id = NULL"))  # fmt: skip
        connection.execute(
            text(
                "ALTER TABLE activity_grants DROP CONSTRAINT uq_activity_grants_activity_id_member_id_source"
            )
        )
    assert race(CROWD, lambda _: settled(referral_id)) == ["done"] * CROWD
    assert points(inviter) == 30 * (1 + CROWD)


@pytest.mark.long
def test_without_the_inviters_place_the_cap_meets_the_schema_and_without_that_is_exceeded(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = crowd(shop, engine)
    monkeypatch.setattr(chances, "take_place", lambda *_: 0)
    # All of them count before the first has written.
    counting = str(rules._LOOK).replace("m.status <> 'active'", "pg_sleep(0.3) IS NULL")
    monkeypatch.setattr(rules, "_LOOK", text(counting))
    results = race(CROWD, lambda n: settled(ids[n]))
    assert results.count("schema") >= CROWD - 3
    with engine.begin() as connection:
        for name in ("nth", "counted_on_nth_of_day"):
            constraint = f"uq_referrals_activity_id_inviter_id_{name}"
            connection.execute(text(f"ALTER TABLE referrals DROP CONSTRAINT {constraint}"))
    waiting = rows(engine, "SELECT id FROM referrals WHERE state = 'pending'")
    assert race(len(waiting), lambda n: settled(str(waiting[n][0]))) == ["done"] * len(waiting)
    assert Counter(states(engine))[("rewarded", None)] > 3
