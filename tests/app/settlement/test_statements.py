"""Who owes whom: what counts, what it costs, and that nothing is counted twice or lost between two statements."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import db, policies
from app.audit import OPERATOR
from app.errors import VersionConflict
from app.ledger.post import BONUS, POINTS, PRINCIPAL
from app.settlement import close, draft
from app.settlement.close import SettlementNotLast
from app.settlement.draft import SettlementOpen, SettlementPeriod, SettlementState
from app.settlement.figures import cost_fen
from app.settlement.policy import SettlementPolicy
from app.settlement.statement import Statement, closings, listing, statement
from tests.app.ledger.books import member
from tests.app.settlement.trading import (
    CLOSING,
    closed,
    day,
    give_back,
    movement,
    opened,
    reopened,
    spend,
    store,
    take_in,
    taken,
)
from tests.conftest import rows


def set_policy(**fields: Any) -> None:
    version = policies.standing(SettlementPolicy).version
    policies.change(kind=SettlementPolicy, value=fields, version=version, actor=OPERATOR, now=CLOSING)


def read(settlement_no: int, **options: Any) -> Statement:
    return statement(settlement_no=settlement_no, stores=None, **options)


def owed(found: Statement) -> dict[tuple[int | None, int | None, str], tuple[int, int]]:
    return {
        (line.debtor_id, line.creditor_id, line.unit): (line.quantity, line.amount_fen)
        for line in found.lines
    }


def net(found: Statement) -> dict[int | None, int]:
    assert sum(one.net_fen for one in found.nets) == 0
    return {one.store_id: one.net_fen for one in found.nets}


def test_what_one_store_took_and_another_sold_for_is_owed(engine: Engine, chief: int) -> None:
    a, b, who = store("A"), store("B"), member()
    set_policy(bonus_cost_bp=5_000, fen_per_1000_points=500)
    for unit, amount in ((PRINCIPAL, 1_000), (BONUS, 301), (POINTS, 333)):
        take_in(a, who, unit, amount)
        take_in(None, who, unit, 10)
        spend(b, who, unit, amount + 10)
    spend_here = member()
    take_in(a, spend_here, PRINCIPAL, 70)
    spend(a, spend_here, PRINCIPAL, 70)
    found = read(closed(day(2), chief).settlement_no)
    assert owed(found) == {
        (a, b, PRINCIPAL): (1_000, 1_000),
        (a, b, BONUS): (301, 151),
        (a, b, POINTS): (333, 167),
        (None, b, PRINCIPAL): (10, 10),
        (None, b, BONUS): (10, 5),
        (None, b, POINTS): (10, 5),
    }
    assert net(found) == {None: -20, a: -1_318, b: 1_338}
    assert found.header.policy_version == 1


def test_headquarters_is_owed_for_what_is_spent_there(engine: Engine, chief: int) -> None:
    a, who = store("A"), member()
    take_in(a, who, POINTS, 50)
    spend(None, who, POINTS, 50)
    assert net(read(closed(day(2), chief).settlement_no)) == {None: 50, a: -50}


def test_what_expires_is_adjusted_or_taken_back_moves_nothing_between_stores(
    engine: Engine, chief: int
) -> None:
    a, b, who = store("A"), store("B"), member()
    take_in(a, who, POINTS, 50)
    with db.transaction() as session:
        for kind in ("adjust", "refund", "repay", "expire"):
            movement(session, kind, b, who, POINTS, -10, day(1))
    assert read(closed(day(2), chief).settlement_no).lines == []


@pytest.mark.parametrize("ended", [False, True])
def test_what_is_given_back_is_owed_no_longer_also_in_a_lot_with_a_grace(
    unaudited_engine: Engine, chief: int, ended: bool
) -> None:
    a, b, who = store("A"), store("B"), member()
    take_in(a, who, BONUS, 100)
    spent = spend(b, who, BONUS, 100)
    [lot] = taken(spent)
    give_back(b, spent, {lot: 30}, ended=ended)
    assert owed(read(closed(day(2), chief).settlement_no)) == {(a, b, BONUS): (70, 70)}
    give_back(b, spent, {lot: 70}, day(2), ended=ended)
    later = closed(day(3), chief).settlement_no
    assert owed(read(later)) == {(a, b, BONUS): (-70, -70)}
    assert net(read(later)) == {a: 70, b: -70}


def test_costs_are_rounded_once_and_a_refund_costs_what_its_sale_did() -> None:
    policy = SettlementPolicy(bonus_cost_bp=3_333, fen_per_1000_points=500)
    assert [cost_fen(POINTS, n, policy) for n in (1, 2, 3, 1_000_001)] == [1, 1, 2, 500_001]
    for unit in (PRINCIPAL, BONUS, POINTS):
        for quantity in (1, 7, 999, 10**15 + 1):
            assert cost_fen(unit, -quantity, policy) == -cost_fen(unit, quantity, policy)
    assert cost_fen(PRINCIPAL, 7, policy) == 7


def test_what_comes_in_late_stands_in_the_next_statement(engine: Engine, chief: int) -> None:
    a, b, who = store("A"), store("B"), member()
    take_in(a, who, PRINCIPAL, 100)
    spend(b, who, PRINCIPAL, 10, day(1))
    first = closed(day(11), chief).settlement_no
    spend(b, who, PRINCIPAL, 20, day(3))
    spend(b, who, PRINCIPAL, 30, day(11))
    spend(b, who, PRINCIPAL, 40, day(21))
    second = closed(day(21), chief).settlement_no
    [line] = read(second).lines
    assert (line.quantity, line.late_quantity) == (50, 20)
    assert owed(read(first)) == {(a, b, PRINCIPAL): (10, 10)}
    assert owed(read(opened(day(22)).settlement_no)) == {(a, b, PRINCIPAL): (40, 40)}


def test_what_commits_after_a_closing_that_did_not_see_it_is_not_lost(engine: Engine, chief: int) -> None:
    """Its number is lower than one that was counted: a mark at the highest number would have passed over it."""
    a, b, slow, quick = store("A"), store("B"), member(), member()
    for who in (slow, quick):
        take_in(a, who, PRINCIPAL, 100)
    with Session(db.engine()) as session, session.begin():
        movement(session, "spend", b, slow, PRINCIPAL, -60, day(1))
        spend(b, quick, PRINCIPAL, 5)
        first = closed(day(2), chief).settlement_no
    assert owed(read(first)) == {(a, b, PRINCIPAL): (5, 5)}
    second = closed(day(3), chief).settlement_no
    assert owed(read(second)) == {(a, b, PRINCIPAL): (60, 60)}
    [[low, by], [_, _]] = rows(
        engine, "SELECT transaction_id, settlement_id FROM settled_transactions ORDER BY transaction_id"
    )
    assert by == second, low


def test_reopened_it_counts_anew_and_what_it_said_stays_on_record(engine: Engine, chief: int) -> None:
    a, b, who = store("A"), store("B"), member()
    take_in(a, who, POINTS, 100)
    spend(b, who, POINTS, 60)
    first = closed(day(2), chief)
    spend(b, who, POINTS, 40)
    draft_again = reopened(first)
    set_policy(fen_per_1000_points=2_000)
    moved = draft.change(
        settlement_no=first.settlement_no,
        version=draft_again.version,
        until=day(5),
        actor=OPERATOR,
        now=CLOSING,
    )
    assert owed(read(first.settlement_no)) == {(a, b, POINTS): (100, 200)}
    again = close.close(settlement_no=first.settlement_no, version=moved.version, staff_id=chief, now=CLOSING)
    assert isinstance(again, draft.Changed)
    assert owed(read(first.settlement_no)) == {(a, b, POINTS): (100, 200)}
    former = read(first.settlement_no, version=first.version)
    assert (former.header.state, former.header.until_date, owed(former)) == (
        "reopened",
        day(2),
        {(a, b, POINTS): (60, 60)},
    )
    told = closings(settlement_no=first.settlement_no, limit=9, before=None)
    assert [(one.version, one.reason) for one in told] == [
        (again.version, None),
        (first.version, "a till was late"),
    ]
    actions = [
        row[0]
        for row in rows(engine, "SELECT action FROM audit_log WHERE object_type = 'settlement' ORDER BY id")
    ]
    assert actions == [f"settlement.{done}" for done in ("create", "close", "reopen", "change", "close")]


def test_only_the_last_one_is_reopened_and_only_without_a_draft_behind_it(engine: Engine, chief: int) -> None:
    first, second = closed(day(2), chief), closed(day(3), chief)
    with pytest.raises(SettlementNotLast):
        reopened(first)
    third = opened(day(4))
    with pytest.raises(SettlementOpen):
        reopened(second)
    with pytest.raises(SettlementOpen):
        opened(day(4))
    with pytest.raises(SettlementState):
        reopened(third)
    draft.discard(settlement_no=third.settlement_no, version=third.version, actor=OPERATOR, now=CLOSING)
    again = reopened(second)
    with pytest.raises(SettlementState):  # it was closed once, so it stays
        draft.discard(settlement_no=again.settlement_no, version=again.version, actor=OPERATOR, now=CLOSING)
    assert [(one.settlement_no, one.state) for one in listing(drafts=True, limit=9, before=None)] == [
        (second.settlement_no, "draft"),
        (first.settlement_no, "closed"),
    ]


def test_a_period_is_of_whole_days_that_are_over(engine: Engine, chief: int) -> None:
    for until in (day(0).replace(year=1), day(9_999)):
        with pytest.raises(SettlementPeriod):
            opened(until)
    made = opened(day(2))
    for until in (day(1), day(9_999)):
        with pytest.raises(SettlementPeriod):
            draft.change(
                settlement_no=made.settlement_no,
                version=made.version,
                until=until,
                actor=OPERATOR,
                now=CLOSING,
            )
    with pytest.raises(VersionConflict):
        close.close(settlement_no=made.settlement_no, version=2, staff_id=chief, now=CLOSING)


def test_the_first_one_begins_where_spending_began(engine: Engine, chief: int) -> None:
    a, who = store("A"), member()
    take_in(a, who, PRINCIPAL, 100)
    spend(a, who, PRINCIPAL, 10, day(4))
    assert read(opened(day(9)).settlement_no).header.from_date == day(4)


@pytest.mark.parametrize(
    "statements",
    [
        "UPDATE settlement_lines SET quantity = 1",
        "DELETE FROM settlement_lines",
        "UPDATE settlement_closings SET owed_fen = 0",
        "DELETE FROM settled_transactions",
        "UPDATE settled_transactions SET settlement_id = settlement_id",
        "UPDATE settlements SET until_date = until_date + 1",
        "UPDATE settlements SET state = 'draft'",
        "DELETE FROM settlements",
        "INSERT INTO settlements (from_date, until_date, created_at)"
        " SELECT from_date, until_date, now() FROM settlements",
    ],
)
def test_the_database_itself_keeps_what_is_closed(engine: Engine, chief: int, statements: str) -> None:
    a, b, who = store("A"), store("B"), member()
    take_in(a, who, PRINCIPAL, 100)
    spend(b, who, PRINCIPAL, 10)
    closed(day(2), chief)
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(statements))
