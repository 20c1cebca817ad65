"""Negative controls: what goes wrong when a guard of campaigns is taken away."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.audit import OPERATOR
from app.campaigns import campaign as campaigns
from app.campaigns import giving, halt
from app.campaigns import plan as planning
from app.campaigns.begin import begin
from tests.app.campaigns.test_campaign_planning import crowd, told
from tests.campaigns import APP_ID, begun, coupons, work
from tests.marketing import NOON
from tests.racing import race
from tests.shop import Shop

pytestmark = pytest.mark.long


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.mark.parametrize("scarce", ["stock", "budget"])
def test_who_only_looks_gives_more_than_there_is(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch, scarce: str
) -> None:
    """Both have looked before either has given."""
    monkeypatch.setattr(planning, "BATCH", 2)
    gift = coupons(stock=3 if scarce == "stock" else None)
    campaign = begun(shop, crowd(shop, 4), gift=gift, budget_fen=3_000 if scarce == "budget" else None)
    begin(campaign, now=NOON)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE coupon_stock DROP CONSTRAINT ck_coupon_stock_never_over"))
        connection.execute(text("ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_never_over"))
    monkeypatch.setattr("app.coupons.issue._TAKE", text("SELECT false"))
    monkeypatch.setattr(giving, "_CHARGE", text("UPDATE campaigns SET spent = spent + :cost WHERE id = :id"))
    both_looked, real = threading.Barrier(2), giving.Giving.settle

    def late(self: giving.Giving) -> None:
        both_looked.wait(60)
        real(self)

    monkeypatch.setattr(giving.Giving, "settle", late)
    race(2, lambda _: planning._batch(campaign, APP_ID, NOON))
    assert len(told(engine)) == 4


def test_without_the_lock_a_stop_leaves_messages_that_nobody_calls_back(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = begun(shop, crowd(shop, 3))
    begin(campaign, now=NOON)
    real = planning.tell_each

    def stopped_meanwhile(*positional: Any, **named: Any) -> Any:
        planned = real(*positional, **named)

        def stop() -> None:
            halt.stop(campaign_id=campaign, actor=OPERATOR, now=NOON)
            work()

        other = threading.Thread(target=stop)
        other.start()
        other.join(60)
        return planned

    with monkeypatch.context() as patch:
        patch.setattr(campaigns, "_SHARE", text("SELECT CAST(:id AS text)"))
        patch.setattr(planning, "tell_each", stopped_meanwhile)
        planning._batch(campaign, APP_ID, NOON)
    work()
    assert len(told(engine)) == 3
