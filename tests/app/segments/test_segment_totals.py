"""What members bought is counted from the sales, and no purchase is missed, whenever it comes."""

import importlib
import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import db
from app.segments import totals
from tests.app.segments.test_segment_fields import World, found
from tests.app.segments.world import TODAY, Person, Sale, days
from tests.conftest import rows
from tests.racing import PATIENCE_S

BOUGHT = {"field": "purchases", "op": "at_least", "value": 2}
_SECOND = """
    INSERT INTO sales (id, store_id, terminal_id, member_id, receipt_no, amount_fen, points_earned, occurred_at,
        business_date)
    SELECT 'later', store_id, terminal_id, member_id, 'later', 5, 0, occurred_at, business_date FROM sales"""


def buys_again(engine: Engine) -> None:
    """As a sale and its fact do, in one transaction."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(_SECOND))
    with db.transaction() as session:
        totals.note(session, 1)


def test_who_buys_while_they_are_counted_is_counted_again(
    world: World, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count has looked at the sales already; the note waits for it to end, and is there after it."""
    world([Person(sales=[Sale(TODAY, 5)])])
    with db.transaction() as session:
        totals.note(session, 1)
    count, buyer = totals.count, threading.Thread(target=buys_again, args=(unaudited_engine,))

    def count_and_wait(*given: Any) -> None:
        count(*given)
        if not buyer.ident:
            buyer.start()
            while not rows(unaudited_engine, "SELECT FROM pg_locks WHERE NOT granted"):
                assert buyer.is_alive(), "the note did not wait"

    monkeypatch.setattr(totals, "count", count_and_wait)
    totals.recount()
    buyer.join(PATIENCE_S)
    totals.recount()
    assert found(BOUGHT) == {1}


def test_what_has_not_changed_is_not_written(world: World, unaudited_engine: Engine) -> None:
    world([Person(sales=[Sale(TODAY - days(n), 5, goods=[("A", "tea", 1, 0)]) for n in range(3)])])
    places = "SELECT ctid::text, xmin::text FROM {} ORDER BY 1"
    before = [
        rows(unaudited_engine, places.format(t)) for t in ("member_totals", "member_days", "member_bought")
    ]
    with db.transaction() as session:
        totals.count(session, [1])
    after = [
        rows(unaudited_engine, places.format(t)) for t in ("member_totals", "member_days", "member_bought")
    ]
    assert before == after


def test_whoever_bought_before_segments_came_is_noted(unaudited_engine: Engine, world: World) -> None:
    """The last statement of the migration."""
    world([Person(sales=[Sale(TODAY, 5)]), Person()])
    script = importlib.import_module("migrations.versions.0030_segments")
    with unaudited_engine.begin() as connection:
        connection.execute(text(script.TOTALS.rpartition("--")[2].partition("\n")[2]))
    assert rows(unaudited_engine, "SELECT member_id FROM member_recounts") == [(1,)]
