"""The books against a small model of them: whatever is credited, spent and waited for, both say the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import db
from app.ledger.post import PRINCIPAL, AlreadyPosted, NotEnough, Posting
from app.ledger.take_back import TakenBack, take_back
from app.tiers.card import card_of
from tests.app.ledger.books import NOW, cause, member, move

MEMBERS = 3
UNITS = ("points", PRINCIPAL, "bonus_fen")
MINUTE = timedelta(minutes=1)


@dataclass
class ModelLot:
    remaining: int
    available_at: datetime
    expires_at: datetime | None
    entry_id: int | None = None
    #: Of what came in: how much ended unspent, was asked back, and was let go because it had ended.
    ended: int = 0
    asked_back: int = 0
    let_go: int = 0
    given: int = 0

    def open_at(self, at: datetime) -> bool:
        return self.available_at <= at and (self.expires_at is None or at < self.expires_at)


@dataclass
class ModelAccount:
    """What one member holds in one unit: lots in the order in which they came, and how often it moved."""

    lots: list[ModelLot] = field(default_factory=list)
    moved: int = 0

    def balance(self) -> int:
        return sum(lot.remaining for lot in self.lots)

    def spendable(self, at: datetime) -> int:
        return sum(lot.remaining for lot in self.lots if lot.open_at(at))

    def expire(self, at: datetime) -> None:
        """Every touch takes out what has ended, lot by lot."""
        for lot in self.lots:
            if lot.remaining and lot.expires_at is not None and lot.expires_at <= at:
                lot.ended += lot.remaining
                lot.remaining = 0
                self.moved += 1

    def take_from(self, first: ModelLot, wanted: int, at: datetime) -> None:
        """From that lot, then from what may be spent, then from what waits; the sooner it ends the earlier."""
        self.moved += 1

        def turn(lot: ModelLot) -> tuple[bool, bool, bool, datetime]:
            return (lot is not first, lot.available_at > at, lot.expires_at is None, lot.expires_at or at)

        for lot in sorted(self.lots, key=turn):
            taken = min(wanted, lot.remaining)
            lot.remaining -= taken
            wanted -= taken
        assert wanted == 0

    def move(self, posting: Posting, at: datetime) -> None:
        """Raises ValueError when it cannot be done; then the account is of no use any more."""
        self.moved += 1
        if posting.amount > 0:
            lot = ModelLot(
                posting.amount, posting.available_at or at, posting.expires_at, given=posting.amount
            )
            self.lots.append(lot)
            return
        wanted = -posting.amount
        ends = [lot for lot in self.lots if lot.expires_at is not None]
        ends.sort(key=lambda lot: lot.expires_at or at)  # stable: of equals the older first
        for lot in [*ends, *(lot for lot in self.lots if lot.expires_at is None)]:
            if lot.open_at(at):
                taken = min(wanted, lot.remaining)
                lot.remaining -= taken
                wanted -= taken
        if wanted:
            raise ValueError("not enough")

    def copy(self) -> "ModelAccount":
        return ModelAccount([replace(lot) for lot in self.lots], self.moved)


# Few instants, so that they coincide: a bound is wrong by one instant or not at all.
waits = st.one_of(st.none(), st.integers(0, 6))
#: (who, unit, amount, minutes until it may be spent, minutes until it ends)
movements = st.tuples(
    st.integers(0, MEMBERS - 1), st.sampled_from(UNITS), st.integers(-60, 90).filter(bool), waits, waits
)


class Books(RuleBasedStateMachine):
    steps = 0

    @initialize()
    def open_books(self) -> None:
        self.now = NOW
        self.members = [member() for _ in range(MEMBERS)]
        self.accounts = {(who, unit): ModelAccount() for who in self.members for unit in UNITS}
        self.sources: list[str] = []

    @rule(minutes=st.integers(0, 4))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(movement=movements)
    def move_once(self, movement: tuple[int, str, int, int | None, int | None]) -> None:
        self._move([movement])

    @rule(movement=movements, amount=st.integers(1, 400))
    def spend(self, movement: tuple[int, str, int, int | None, int | None], amount: int) -> None:
        who, unit, *_ = movement
        self._move([(who, unit, -amount, None, None)])

    @rule(several=st.lists(movements, min_size=2, max_size=5))
    def move_together(self, several: list[tuple[int, str, int, int | None, int | None]]) -> None:
        self._move(several)

    @rule(data=st.data())
    def take_points_back(self, data: st.DataObject) -> None:
        """Some or all of what an entry gave, as often as there is some left to ask for."""
        given = [
            (who, lot)
            for who in self.members
            for lot in self.accounts[who, "points"].lots
            if lot.asked_back < lot.given
        ]
        if not given:
            return
        who, lot = data.draw(st.sampled_from(given))
        wanted = data.draw(st.integers(1, lot.given - lot.asked_back))
        account = self.accounts[who, "points"]
        account.expire(self.now)
        let_go = min(max(wanted - lot.remaining, 0), lot.ended - lot.let_go)
        taken = min(wanted - let_go, account.balance())
        owed = wanted - let_go - taken
        lot.asked_back += wanted
        lot.let_go += let_go
        if taken:
            account.take_from(lot, taken, self.now)
        if owed:
            self._account(who, "points_owed").move(
                Posting(member_id=who, unit="points_owed", amount=owed, house="test"), self.now
            )
        assert lot.entry_id is not None
        with db.transaction() as session:
            found = take_back(
                session,
                cause(self.now, kind="refund"),
                entry_id=lot.entry_id,
                points=wanted,
                lapsed=lot.let_go - let_go,
            )
        pending = sum(one.remaining for one in account.lots if one.available_at > self.now)
        assert found == TakenBack(
            taken=taken, owed=owed, lapsed=let_go, balance_after=account.balance(), pending=pending
        )

    @precondition(lambda self: self.sources)
    @rule(data=st.data(), movement=movements)
    def repeat_a_cause(
        self, data: st.DataObject, movement: tuple[int, str, int, int | None, int | None]
    ) -> None:
        source = data.draw(st.sampled_from(self.sources))
        with pytest.raises(AlreadyPosted):
            move(*self._postings([movement]), at=self.now, source=source)

    @invariant()
    def books_and_model_agree(self) -> None:
        type(self).steps += 1
        kept = {key: account for key, account in self.accounts.items() if account.moved}
        assert self._stored() == {
            key: (account.balance(), account.moved, [lot.remaining for lot in account.lots])
            for key, account in kept.items()
        }
        # The read side of one member: tills and phones show what may be spent now.
        who = self.members[self.steps % MEMBERS]
        with db.reading() as connection:
            card = card_of(connection, who, now=self.now)
        assert card is not None
        assert card.points == self.accounts[who, "points"].spendable(self.now)
        assert card.balance_fen == sum(self.accounts[who, unit].spendable(self.now) for unit in UNITS[1:])

    def _postings(self, several: Sequence[tuple[int, str, int, int | None, int | None]]) -> list[Posting]:
        return [
            Posting(
                member_id=self.members[who],
                unit=unit,
                amount=amount,
                house="test",
                # Principal is the member's own money: it neither waits nor ends.
                available_at=None if opens is None or unit == PRINCIPAL else self.now + opens * MINUTE,
                expires_at=None if ends is None or unit == PRINCIPAL else self.now + ends * MINUTE,
            )
            for who, unit, amount, opens, ends in several
        ]

    def _account(self, who: int, unit: str) -> ModelAccount:
        return self.accounts.setdefault((who, unit), ModelAccount())

    def _move(self, several: Sequence[tuple[int, str, int, int | None, int | None]]) -> None:
        postings = self._postings(several)
        touched = {(posting.member_id, posting.unit) for posting in postings}
        touched |= {(who, "points_owed") for who, unit in touched if unit == "points"}
        after = {(who, unit): self._account(who, unit).copy() for who, unit in touched}
        source = f"{self.members[0]} {len(self.sources)}"
        balances: list[int] = []
        credits: list[tuple[int, ModelLot]] = []
        try:
            for place, posting in enumerate(postings):
                account = after[posting.member_id, posting.unit]
                account.expire(self.now)
                account.move(posting, self.now)
                if posting.amount > 0:
                    credits.append((place, account.lots[-1]))
                    if posting.unit == "points":
                        self._repay(account, after[posting.member_id, "points_owed"])
                balances.append(account.balance())
        except ValueError:
            with pytest.raises(NotEnough):
                move(*postings, at=self.now, source=source)
            return
        done = move(*postings, at=self.now, source=source)
        assert [posted.balance_after for posted in done] == balances
        for place, lot in credits:
            lot.entry_id = done[place].entry_id
        self.accounts.update(after)
        self.sources.append(source)

    def _repay(self, account: ModelAccount, owed: ModelAccount) -> None:
        """What has just come in pays what is owed, whether it may be spent already or not."""
        lot = account.lots[-1]
        due = min(owed.balance(), lot.remaining)
        if due and (lot.expires_at is None or lot.expires_at > self.now):
            account.take_from(lot, due, self.now)
            owed.take_from(owed.lots[0], due, self.now)

    def _stored(self) -> dict[tuple[int, str], tuple[int, int, list[int]]]:
        with db.reading() as connection:
            found = connection.execute(_STORED, {"members": self.members})
            return {(row.member_id, row.unit): (row.balance, row.last_seq, row.lots) for row in found}


_STORED = text("""
    SELECT a.member_id, a.unit, a.balance, a.last_seq, coalesce((SELECT json_agg(l.remaining ORDER BY l.id)
        FROM ledger_lots l WHERE l.account_id = a.id), '[]') AS lots
    FROM ledger_accounts a WHERE a.member_id = ANY(:members)""")


def run(examples: int, steps: int, phases: Sequence[Phase] = (Phase.generate, Phase.shrink)) -> int:
    """How many steps were taken; hypothesis prints how to repeat a failure."""

    class BooksOfThisTest(Books):  # steps are counted in the class
        pass

    run_state_machine_as_test(
        BooksOfThisTest,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return BooksOfThisTest.steps


def test_books_and_model_agree_for_two_thousand_steps(engine: Engine) -> None:
    assert run(examples=60, steps=50) >= 2_000


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_books_and_model_agree_for_ten_thousand_steps(engine: Engine) -> None:
    assert run(examples=170, steps=80) >= 10_000


#: Bugs one might write, as changes of the writer's text.
BUGS = {
    "lots that end last are taken first": (
        "l.expires_at NULLS LAST, l.id",
        "l.expires_at DESC NULLS LAST, l.id",
    ),
    "the newest lot is taken first": ("NULLS LAST, l.id FOR", "NULLS LAST, l.id DESC FOR"),
    "what never ends is taken first": ("NULLS LAST", "NULLS FIRST"),
    "pending lots are spent": ("AND (l.available_at <= p_at OR", "AND (true OR"),
    "what was given is taken back from somewhere else": ("v_posting.from_entry DESC", "v_posting.from_entry"),
    "a debt is paid twice": ("'amount', -v_owed,", "'amount', -2 * v_owed,"),
    "a lot opens an instant late": ("l.available_at <= p_at", "l.available_at < p_at"),
    "a lot ends an instant late": ("l.expires_at <= p_at", "l.expires_at < p_at"),
    "a lot cannot be spent to its end": ("l.expires_at > p_at", "l.expires_at > p_at + interval '1 minute'"),
    "part of a debit is enough": ("IF v_left > 0 THEN", "IF v_left < 0 THEN"),
    "one more than asked is taken": ("least(v_left, v_lot.remaining)", "least(v_left + 1, v_lot.remaining)"),
    "a lot opens with one less": (
        "v_posting.amount, v_posting.amount,",
        "v_posting.amount, v_posting.amount - 1,",
    ),
    "the running balance is the old one": (
        "balance = a.balance + v_posting.amount, last_seq",
        "balance = a.balance, last_seq",
    ),
    "what has ended stays in the balance": ("ELSIF v_ended THEN", "ELSIF false THEN"),
}


class TestAgainstABrokenWriter:
    """A model that would not notice is no model."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    @pytest.mark.long
    @pytest.mark.parametrize("bug", BUGS)
    def test_the_model_notices(self, engine: Engine, bug: str) -> None:
        with engine.begin() as connection:
            function = connection.execute(
                text("SELECT pg_get_functiondef('ledger_post'::regproc)")
            ).scalar_one()
            assert BUGS[bug][0] in function
            connection.execute(text(function.replace(*BUGS[bug]).replace(":", "\\:")))
        # An assertion of the model, a constraint that holds, a refusal too many or one that did not come; or several.
        noticed = (
            AssertionError,
            DBAPIError,
            psycopg.Error,
            NotEnough,
            pytest.fail.Exception,
            ExceptionGroup,
        )
        with pytest.raises(noticed):
            run(examples=150, steps=50, phases=[Phase.generate])
