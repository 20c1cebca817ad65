"""Whatever is spent, given back, closed and reopened, in whatever order: statements sum to the ledger, to the fen."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app import db, policies
from app.audit import OPERATOR
from app.ledger.check import differences
from app.ledger.check_settlement import SETTLEMENT_QUESTIONS
from app.ledger.post import BONUS, POINTS, PRINCIPAL
from app.settlement import close
from app.settlement.draft import Changed
from app.settlement.figures import UNITS, cost_fen
from app.settlement.policy import SettlementPolicy
from app.settlement.statement import statement
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
from tests.racing import race
from tests.seeds import examples

Pair = tuple[int | None, int | None, str]


class Chain:
    """Three stores and headquarters, some members, and what should be owed by now, kept by hand."""

    def __init__(self, chief: int) -> None:
        self.chief = chief
        self.stores: list[int | None] = [None, store("A"), store("B"), store("C")]
        self.members = [member() for _ in range(3)]
        self.has: Counter[tuple[int, str]] = Counter()
        #: Debits and what of each lot may still be given back.
        self.spent: list[tuple[str, int, dict[int, int], dict[int, int | None]]] = []
        self.due: Counter[Pair] = Counter()
        self.today = 2
        self.statements: list[Changed] = []

    def take_in(self, who: int, unit: str, where: int, amount: int) -> None:
        take_in(self.stores[where], self.members[who], unit, amount)
        self.has[who, unit] += amount

    def spend(self, who: int, unit: str, where: int, amount: int, days_ago: int) -> None:
        amount = min(amount, self.has[who, unit])
        if amount == 0:
            return
        self.has[who, unit] -= amount
        entry = spend(self.stores[where], self.members[who], unit, amount, day(self.today - days_ago))
        lots = taken(entry)
        self.spent.append(
            (unit, entry, {lot: n for lot, (_, n) in lots.items()}, {lot: s for lot, (s, _) in lots.items()})
        )
        for issuer, n in lots.values():
            self._owe(issuer, where, unit, n)

    def give_back(self, which: int, where: int, amount: int, days_ago: int, ended: bool) -> None:
        if not self.spent:
            return
        unit, entry, left, issuers = self.spent[which % len(self.spent)]
        parts = {lot: min(n, amount) for lot, n in left.items() if n}
        if not parts:
            return
        give_back(self.stores[where], entry, parts, day(self.today - days_ago), ended=ended)
        for lot, n in parts.items():
            left[lot] -= n
            self._owe(issuers[lot], where, unit, -n)

    def _owe(self, issuer: int | None, where: int, unit: str, n: int) -> None:
        if issuer != self.stores[where]:
            self.due[issuer, self.stores[where], unit] += n

    def close(self, days: int) -> None:
        self.today += days
        self.statements.append(closed(day(self.today), self.chief))

    def reopen(self) -> None:
        """The last one, and close it again: with what has come in since."""
        if self.statements:
            last = reopened(self.statements.pop())
            again = close.close(
                settlement_no=last.settlement_no, version=last.version, staff_id=self.chief, now=CLOSING
            )
            assert isinstance(again, Changed)
            self.statements.append(again)

    def set_costs(self, bonus_cost_bp: int, fen_per_1000_points: int) -> None:
        value = {"bonus_cost_bp": bonus_cost_bp, "fen_per_1000_points": fen_per_1000_points}
        version = policies.standing(SettlementPolicy).version
        policies.change(kind=SettlementPolicy, value=value, version=version, actor=OPERATOR, now=CLOSING)

    def check(self) -> None:
        """All statements together say what is due; each costs what its policy says and its nets cancel out."""
        said: Counter[Pair] = Counter()
        for one in self.statements:
            found = statement(settlement_no=one.settlement_no, stores=None)
            assert sum(net.net_fen for net in found.nets) == 0
            for line in found.lines:
                said[line.debtor_id, line.creditor_id, line.unit] += line.quantity
                assert line.amount_fen == cost_fen(line.unit, line.quantity, found.header.policy)
        assert {pair: n for pair, n in said.items() if n} == {pair: n for pair, n in self.due.items() if n}


who, where, amounts, ago = st.integers(0, 2), st.integers(0, 3), st.integers(1, 997), st.integers(0, 40)
units = st.sampled_from(UNITS)
steps = st.one_of(
    st.tuples(st.just("take_in"), who, units, where, amounts),
    st.tuples(st.just("spend"), who, units, where, amounts, ago),
    st.tuples(st.just("spend"), who, units, where, amounts, ago),
    st.tuples(st.just("give_back"), st.integers(0, 99), where, amounts, ago, st.booleans()),
    st.tuples(st.just("close"), st.integers(1, 3)),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("set_costs"), st.integers(0, 10_000), st.integers(0, 3_000)),
)


@pytest.fixture
def chain(unaudited_engine: Engine, chief: int) -> Chain:
    return Chain(chief)


def broken(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {found.promise for found in differences(connection)} & set(SETTLEMENT_QUESTIONS)


@settings(
    max_examples=examples(20),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(todo=st.lists(steps, min_size=8, max_size=20))
def test_statements_sum_to_the_ledger(chain: Chain, todo: list[tuple[Any, ...]]) -> None:
    """The chain goes on from example to example, as a chain does."""
    for name, *arguments in todo:
        getattr(chain, name)(*arguments)
    assert broken(db.engine()) == set()
    chain.close(1)
    chain.check()
    assert broken(db.engine()) == set()
    with db.reading() as connection:
        waiting = (
            "SELECT count(*) FROM ledger_transactions t WHERE kind IN ('spend', 'restore') AND NOT EXISTS"
        )
        waiting += " (SELECT FROM settled_transactions c WHERE c.transaction_id = t.id)"
        assert connection.execute(text(waiting)).scalar_one() == 0


RUNNERS = 16


def fill(chain: Chain) -> None:
    for unit in (PRINCIPAL, BONUS, POINTS):
        chain.take_in(0, unit, 1, 100)
        chain.spend(0, unit, 2, 100, 0)
    chain.today += 1


def close_together(chain: Chain) -> int:
    """How many of them closed it, or believe so."""
    made = opened(day(chain.today))

    def run(_: int) -> bool:
        try:
            done = close.close(
                settlement_no=made.settlement_no, version=made.version, staff_id=chain.chief, now=CLOSING
            )
        except Exception:
            return False
        return isinstance(done, Changed)

    return race(RUNNERS, run).count(True)


def test_of_sixteen_who_close_one_statement_one_does(chain: Chain) -> None:
    fill(chain)
    assert close_together(chain) == 1
    assert broken(db.engine()) == set()


def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close, "one_after_another", lambda session: None)


def test_without_the_lock_the_schema_still_lets_one_do_it(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(chain)
    unguarded(monkeypatch)
    assert close_together(chain) == 1
    assert broken(db.engine()) == set()


@pytest.mark.long
def test_without_lock_and_schema_the_same_is_counted_twice(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(chain)
    unguarded(monkeypatch)
    with db.engine().begin() as connection:
        for statement_ in (
            "ALTER TABLE settled_transactions DROP CONSTRAINT pk_settled_transactions",
            "ALTER TABLE settlement_lines DROP CONSTRAINT uq_settlement_lines_pair,"
            " DROP CONSTRAINT fk_settlement_lines_settlement_id",
            "ALTER TABLE settlement_reopenings DROP CONSTRAINT fk_settlement_reopenings_settlement_id",
            "ALTER TABLE settlement_closings DROP CONSTRAINT pk_settlement_closings",
            "DROP TRIGGER settlements_closed ON settlements",
        ):
            connection.execute(text(statement_))
    assert close_together(chain) > 1
    assert "a closed statement says what it has counted" in broken(db.engine())


def test_what_is_spent_while_statements_close_is_counted_once(chain: Chain) -> None:
    """Fifteen spend, one closes and reopens all the while; in the end each fen stands in one statement."""
    people = [member() for _ in range(RUNNERS)]
    for one in people:
        take_in(chain.stores[1], one, PRINCIPAL, 100)
    first = closed(day(2), chain.chief)

    def run(number: int) -> Changed | None:
        if number == 0:
            last = first
            for until in range(3, 9):
                last = closed(day(until), chain.chief)
            return last
        for _ in range(10):
            with db.transaction() as session:
                movement(session, "spend", chain.stores[2], people[number], PRINCIPAL, -10, day(1))
        return None

    race(RUNNERS, run)
    closed(day(9), chain.chief)
    with db.reading() as connection:
        total = "SELECT sum(l.quantity) FROM settlement_lines l JOIN settlements s"
        total += " ON s.id = l.settlement_id AND s.version = l.version"
        assert connection.execute(text(total)).scalar_one() == 15 * 100
    assert broken(db.engine()) == set()
