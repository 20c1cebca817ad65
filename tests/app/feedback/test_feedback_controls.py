"""Without the hold on the member, words outlive consent: negative control of the tests beside this one."""

import threading

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app import clock
from app.feedback import write
from app.members.models import Member
from app.withdrawal import withdraw
from tests.app.feedback.test_feedback_races import LEFT, opening
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import Shop


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.mark.long
def test_without_holding_the_member_words_stay_behind(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks whether the member is there, and writes when they are gone."""
    member, looked, left = shop.member().member_id, threading.Barrier(16), threading.Event()

    def look(session: Session, member_id: int) -> None:
        assert session.execute(select(Member.status).where(Member.id == member_id)).scalar_one() == "active"
        looked.wait(PATIENCE_S)
        assert left.wait(PATIENCE_S)

    monkeypatch.setattr(write, "_hold", look)

    def run(n: int) -> None:
        if n == 0:
            looked.wait(PATIENCE_S)
            withdraw(member_id=member, now=clock.now())
            left.set()
        else:
            opening(member, n)

    race(16, run)
    assert rows(engine, LEFT) == [(15,)]
