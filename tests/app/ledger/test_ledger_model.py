"""The books against a small model of them: credited, spent, taken back, given back, waited for, both say the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

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
from sqlalchemy.orm import Session

from app import db
from app.ledger.post import PRINCIPAL, AlreadyPosted, NotEnough, Posting, post
from app.ledger.restore import Back, MoreThanTaken, restore
from app.ledger.take_back import TakenBack, take_back
from app.tiers.card import card_of
from tests.app.ledger.books import NOW, balance, cause, member, points

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
    #: What came back from a lot that had ended.
    was_grace: bool = False

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

    def take_from(self, first: ModelLot | None, wanted: int, at: datetime) -> None:
        """From that lot, then from what may be spent, then from what waits; the sooner it ends the earlier."""
        self.moved += 1

        def turn(lot: ModelLot) -> tuple[bool, bool, bool, datetime]:
            return (lot is not first, lot.available_at > at, lot.expires_at is None, lot.expires_at or at)

        for lot in sorted(self.lots, key=turn):
            taken = min(wanted, lot.remaining)
            lot.remaining -= taken
            wanted -= taken
        assert wanted == 0

    def move(self, posting: Posting, at: datetime) -> dict[int, int]:
        """Of which lot (by its place) how much was taken.

        Raises ValueError when it cannot be done; then the account is of no use any more.
        """
        self.moved += 1
        took: dict[int, int] = {}
        if posting.amount > 0:
            lot = ModelLot(
                posting.amount, posting.available_at or at, posting.expires_at, given=posting.amount
            )
            self.lots.append(lot)
            return took
        wanted = -posting.amount
        ends = [lot for lot in self.lots if lot.expires_at is not None]
        ends.sort(key=lambda lot: lot.expires_at or at)  # stable: of equals the older first
        for lot in [*ends, *(lot for lot in self.lots if lot.expires_at is None)]:
            if lot.open_at(at):
                taken = min(wanted, lot.remaining)
                lot.remaining -= taken
                wanted -= taken
                if taken:
                    took[next(n for n, one in enumerate(self.lots) if one is lot)] = taken
        if wanted:
            raise ValueError("not enough")
        return took

    def give_back(
        self, debit: "ModelDebit", amount: int, at: datetime, grace: datetime
    ) -> tuple[ModelLot | None, int]:
        """Into the lots it came from, the one that ends last first; what has ended becomes lots of its own.

        What such a lot gave has no second grace and ends at once. The last of these, None if there are none; and how
        much of it all may be spent.
        """
        self.expire(at)
        pieces = debit.next_back(self.lots, amount)
        live = {n: part for n, part in pieces.items() if not _ended(self.lots[n], at)}
        for n, part in live.items():
            self.lots[n].remaining += part
        self.moved += bool(live)
        ended = [(part, self.lots[n].was_grace) for n, part in sorted(pieces.items()) if n not in live]
        for part, was_grace in ended:
            self.lots.append(ModelLot(part, at, at if was_grace else grace, was_grace=True))
        self.moved += len(ended)
        alive = sum(live.values()) + sum(part for part, was_grace in ended if not was_grace)
        return (self.lots[-1] if ended else None), alive

    def copy(self) -> "ModelAccount":
        return ModelAccount([replace(lot) for lot in self.lots], self.moved)


def _ended(lot: ModelLot, at: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at <= at


@dataclass
class ModelDebit:
    """What one entry took of which lots, and how much of it went back."""

    who: int
    unit: str
    entry_id: int
    took: dict[int, int]
    back: int = 0

    @property
    def left(self) -> int:
        return sum(self.took.values()) - self.back

    def next_back(self, lots: Sequence[ModelLot], amount: int) -> dict[int, int]:
        """Counted from the beginning: first all of the lot that ends last, of two the younger."""

        def turn(n: int) -> tuple[bool, datetime, int]:
            return (lots[n].expires_at is None, lots[n].expires_at or NOW, n)

        skip, pieces = self.back, {}
        for n in sorted(self.took, key=turn, reverse=True):
            skipped = min(skip, self.took[n])
            part = min(amount, self.took[n] - skipped)
            skip, amount = skip - skipped, amount - part
            if part:
                pieces[n] = part
        assert amount == 0
        return pieces


def repay(account: ModelAccount, owed: ModelAccount, first: ModelLot | None, most: int, at: datetime) -> None:
    """Of what has just come in, up to `most` pays what is owed, whether it may be spent already or not."""
    due = min(owed.balance(), most)
    if due:
        account.expire(at)
        account.take_from(first, due, at)
        owed.take_from(owed.lots[0], due, at)


def take_back_of(
    account: ModelAccount, owed: ModelAccount, lot: ModelLot, wanted: int, at: datetime
) -> tuple[int, int, int]:
    """Some of what the lot's entry gave; how much was taken, is owed, and had ended unspent."""
    account.expire(at)
    let_go = min(max(wanted - lot.remaining, 0), lot.ended - lot.let_go)
    taken = min(wanted - let_go, account.balance())
    debt = wanted - let_go - taken
    lot.asked_back += wanted
    lot.let_go += let_go
    if taken:
        account.take_from(lot, taken, at)
    if debt:
        owed.lots.append(ModelLot(debt, at, None, given=debt))
        owed.moved += 1
    return taken, debt, let_go


#: (who, unit, amount, minutes until it may be spent, minutes until it ends)
Movement = tuple[int, str, int, int | None, int | None]
# Few instants, so that they coincide: a bound is wrong by one instant or not at all.
waits = st.one_of(st.none(), st.integers(0, 6))
movements = st.tuples(
    st.integers(0, MEMBERS - 1), st.sampled_from(UNITS), st.integers(-60, 90).filter(bool), waits, waits
)


class ModelledBooks(RuleBasedStateMachine):
    #: Movements that were made, or refused.
    steps = 0
    session: Session | None = None

    @initialize()
    def open_books(self) -> None:
        self.now = NOW
        self.members = [member() for _ in range(MEMBERS)]
        self.accounts = {(who, unit): ModelAccount() for who in self.members for unit in UNITS}
        self.sources: list[str] = []
        self.debits: list[ModelDebit] = []

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One movement's own; within a burst a part of its transaction, which a refusal undoes alone."""
        if self.session is None:
            with db.transaction() as session:
                yield session
        else:
            yield self.session

    @contextmanager
    def refused(self, error: type[Exception]) -> Iterator[Session]:
        with pytest.raises(error), self.transaction() as session, session.begin_nested():
            yield session

    def _take_points_back(self, random: Random) -> None:
        """Some or all of what an entry gave, as often as there is some left to ask for."""
        given = [
            (who, lot)
            for who in self.members
            for lot in self.accounts[who, "points"].lots
            if lot.asked_back < lot.given
        ]
        if not given:
            return
        type(self).steps += 1
        who, lot = random.choice(given)
        wanted = random.randint(1, lot.given - lot.asked_back)
        account = self.accounts[who, "points"]
        before = lot.let_go
        taken, owed, let_go = take_back_of(account, self._account(who, "points_owed"), lot, wanted, self.now)
        assert lot.entry_id is not None
        with self.transaction() as session:
            found = take_back(
                session,
                cause(self.now, kind="refund"),
                entry_id=lot.entry_id,
                points=wanted,
                lapsed=before,
            )
        pending = sum(one.remaining for one in account.lots if one.available_at > self.now)
        assert found == TakenBack(
            taken=taken, owed=owed, lapsed=let_go, balance_after=account.balance(), pending=pending
        )

    def _give_back(self, random: Random) -> None:
        """Some or all of what debits of one transaction took, into the very lots."""
        debits = [debit for debit in self.debits[-40:] if debit.left]
        if not debits:
            return
        type(self).steps += 1
        debit = random.choice(debits)
        grace = self.now + random.randint(1, 6) * MINUTE
        if random.random() < 0.1:
            with self.refused(MoreThanTaken) as session:
                self._restore(session, debit, debit.left + 1, grace)
            return
        amount = random.randint(1, debit.left)
        account = self.accounts[debit.who, debit.unit]
        first, alive = account.give_back(debit, amount, self.now, grace)
        debit.back += amount
        if debit.unit == "points" and alive:
            repay(account, self._account(debit.who, "points_owed"), first, alive, self.now)
        with self.transaction() as session:
            self._restore(session, debit, amount, grace)

    def _restore(self, session: Session, debit: ModelDebit, amount: int, grace: datetime) -> None:
        back = [Back(entry_id=debit.entry_id, amount=amount)]
        restore(session, cause(self.now, kind="restore"), back, grace=grace)

    @invariant()
    def books_and_model_agree(self) -> None:
        kept = {key: account for key, account in self.accounts.items() if account.moved}
        assert self._stored() == {
            key: (account.balance(), account.moved, [lot.remaining for lot in account.lots])
            for key, account in kept.items()
        }
        # The read side of one member: tills and phones show what may be spent now.
        who = self.members[len(self.sources) % MEMBERS]
        with db.reading() as connection:
            card = card_of(connection, who, now=self.now)
        assert card is not None
        assert card.points == self.accounts[who, "points"].spendable(self.now)
        assert card.balance_fen == sum(self.accounts[who, unit].spendable(self.now) for unit in UNITS[1:])

    def _postings(self, several: Sequence[Movement]) -> list[Posting]:
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

    def _move(self, several: Sequence[Movement]) -> None:
        postings = self._postings(several)
        touched = {(posting.member_id, posting.unit) for posting in postings}
        touched |= {(who, "points_owed") for who, unit in touched if unit == "points"}
        after = {(who, unit): self._account(who, unit).copy() for who, unit in touched}
        source = f"{self.members[0]} {len(self.sources)}"
        balances: list[int] = []
        credits: list[tuple[int, ModelLot]] = []
        debits: list[tuple[int, dict[int, int]]] = []
        try:
            for place, posting in enumerate(postings):
                account = after[posting.member_id, posting.unit]
                account.expire(self.now)
                took = account.move(posting, self.now)
                if posting.amount < 0:
                    debits.append((place, took))
                if posting.amount > 0:
                    credits.append((place, account.lots[-1]))
                    if posting.unit == "points":
                        lot = account.lots[-1]
                        if not _ended(lot, self.now):
                            repay(
                                account, after[posting.member_id, "points_owed"], lot, lot.remaining, self.now
                            )
                balances.append(account.balance())
        except ValueError:
            type(self).steps += 1
            with self.refused(NotEnough) as session:
                post(session, cause(self.now, source=source), postings)
            return
        with self.transaction() as session:
            done = post(session, cause(self.now, source=source), postings)
        assert [posted.balance_after for posted in done] == balances
        for place, lot in credits:
            lot.entry_id = done[place].entry_id
        for place, took in debits:
            who, unit = postings[place].member_id, postings[place].unit
            # Of one account once in a transaction, as sales do.
            if sum((one.member_id, one.unit) == (who, unit) for one in postings) == 1:
                self.debits.append(ModelDebit(who, unit, done[place].entry_id, took))
        self.accounts.update(after)
        self.sources.append(source)
        type(self).steps += len(postings)

    def _stored(self) -> dict[tuple[int, str], tuple[int, int, list[int]]]:
        with db.reading() as connection:
            found = connection.execute(STORED, {"members": self.members})
            return {(row.member_id, row.unit): (row.balance, row.last_seq, row.lots) for row in found}


def _movement(random: Random) -> Movement:
    """As `movements` gives them."""
    opens, ends = (random.choice((None, random.randint(0, 6))) for _ in range(2))
    amount = random.choice((-1, 1, 1, 1)) * random.randint(1, 90)
    return random.randrange(MEMBERS), random.choice(UNITS), amount, opens, ends


STORED = text("""
    SELECT a.member_id, a.unit, a.balance, a.last_seq, coalesce((SELECT json_agg(l.remaining ORDER BY l.id)
        FROM ledger_lots l WHERE l.account_id = a.id), '[]') AS lots
    FROM ledger_accounts a WHERE a.member_id = ANY(:members)""")


class Books(ModelledBooks):
    """Step by step: each may be taken away to find the shortest way to a difference."""

    @rule(minutes=st.integers(0, 4))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(movement=movements)
    def move_once(self, movement: Movement) -> None:
        self._move([movement])

    @rule(movement=movements, amount=st.integers(1, 400))
    def spend(self, movement: Movement, amount: int) -> None:
        who, unit, *_ = movement
        self._move([(who, unit, -amount, None, None)])

    @rule(several=st.lists(movements, min_size=2, max_size=5))
    def move_together(self, several: list[Movement]) -> None:
        self._move(several)

    @rule(random=st.randoms(use_true_random=False))
    def take_points_back(self, random: Random) -> None:
        self._take_points_back(random)

    @rule(random=st.randoms(use_true_random=False))
    def give_back(self, random: Random) -> None:
        self._give_back(random)

    @precondition(lambda self: self.sources)
    @rule(data=st.data(), movement=movements)
    def repeat_a_cause(self, data: st.DataObject, movement: Movement) -> None:
        source = data.draw(st.sampled_from(self.sources))
        with self.refused(AlreadyPosted) as session:
            post(session, cause(self.now, source=source), self._postings([movement]))


#: What one burst does, in one transaction: so that a step costs a trip to the server and little else.
BURST = 40


class Bursts(ModelledBooks):
    @rule(seed=st.integers(0, 2**32 - 1))
    def burst(self, seed: int) -> None:
        """Many steps in one transaction; what they draw is not hypothesis's, which would cost more than the steps."""
        random = Random(seed)
        with db.transaction() as self.session:
            for _ in range(BURST):
                self._one_of_a_burst(random)
        self.session = None

    def _one_of_a_burst(self, random: Random) -> None:
        pick = random.random()
        if pick < 0.15:
            self.now += random.randint(0, 2) * MINUTE
        if pick < 0.45:
            self._move([_movement(random) for _ in range(random.choice((1, 2, 4, 6)))])
        elif pick < 0.7:
            who, unit, amount, *_ = _movement(random)
            # Often all there is: debts arise where nothing is left to take back.
            all_of_it = self._account(self.members[who], unit).spendable(self.now)
            amount = all_of_it if all_of_it and random.random() < 0.4 else abs(amount)
            self._move([(who, unit, -amount, None, None)])
        elif pick < 0.8:
            self._take_points_back(random)
        else:
            self._give_back(random)


def run(
    machine: type[ModelledBooks],
    examples: int,
    steps: int,
    phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
    *,
    derandomize: bool = settings.default.derandomize,
) -> int:
    """How many steps were taken; hypothesis prints how to repeat a failure."""

    class BooksOfThisTest(machine):  # type: ignore[misc, valid-type]  # steps are counted in the class
        pass

    run_state_machine_as_test(
        BooksOfThisTest,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            derandomize=derandomize,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return BooksOfThisTest.steps


def test_books_and_model_agree_step_by_step(engine: Engine) -> None:
    """How many steps an example has is left to chance: run until enough were taken."""
    taken, runs = 0, 0
    while taken < 35:
        runs += 1
        assert runs <= 10, taken
        taken += run(Books, examples=5, steps=40)


def test_books_and_model_agree_for_hundreds_of_steps(engine: Engine) -> None:
    assert run(Bursts, examples=4, steps=5) >= 400


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "part", range(5)
)  # books of fifty thousand steps are too long to be compared each time
def test_books_and_model_agree_for_ten_thousand_steps_more(engine: Engine, part: int) -> None:
    # Each part goes another way, also where a test run is otherwise the same each time.
    one_by_one = run(Books, examples=34, steps=80, derandomize=False)
    assert one_by_one + run(Bursts, examples=32, steps=10, derandomize=False) >= 10_000


#: Bugs one might write, as changes of the writer's text.
POST_BUGS = {
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


#: The same for what gives back.
RESTORE_BUGS = {
    "what ends first is filled first": (
        "ledger_next_back",
        "l.expires_at DESC NULLS FIRST, l.id DESC",
        "l.expires_at NULLS LAST, l.id",
    ),
    "of two lots the older is filled first": ("ledger_next_back", "l.id DESC", "l.id"),
    "what has ended is filled again": ("ledger_next_back", "coalesce(t.expires_at <= p_at, false)", "false"),
    "each time it begins anew": ("ledger_restore", "t.kind = p_kind", "t.kind = 'none'"),
    "more goes back than was taken": (
        "ledger_restore",
        "v_taken.back > v_taken.amount",
        "0 > v_taken.amount",
    ),
    "what comes back pays no debt": ("ledger_restore", "o.balance > 0", "o.balance < 0"),
    "what comes back pays more than the debt": (
        "ledger_restore",
        "least(o.balance, v_part)",
        "v_part",
    ),
    "there is no grace": ("ledger_restore", "ELSE p_grace END", "ELSE p_at END"),
}
BUGS = {name: ("ledger_post", *change) for name, change in POST_BUGS.items()} | RESTORE_BUGS

#: A difference of the model, a constraint that holds, a refusal too many or one that did not come; or several.
NOTICED = (
    AssertionError,
    DBAPIError,
    psycopg.Error,
    AlreadyPosted,
    MoreThanTaken,
    NotEnough,
    pytest.fail.Exception,
    ExceptionGroup,
)


def a_debt_is_paid_by_the_next_points(engine: Engine) -> None:
    """Random steps seldom meet it before they are told apart by something else; so by example."""
    who = member()
    with db.transaction() as session:
        [own] = post(session, cause(), [points(who, 10)])
        [spent] = post(session, cause(kind="spend"), [points(who, -10)])
        take_back(session, cause(kind="refund"), entry_id=own.entry_id, points=10, lapsed=0)
        [given] = post(session, cause(), [points(who, 4)])
        assert given.balance_after == 0
        back = [Back(entry_id=spent.entry_id, amount=9)]
        restore(session, cause(kind="restore"), back, grace=NOW + MINUTE)
    assert (balance(engine, who, "points_owed"), balance(engine, who)) == (0, 3)


def test_a_debt_is_paid(engine: Engine) -> None:
    a_debt_is_paid_by_the_next_points(engine)


class TestAgainstABrokenWriter:
    """A model that would not notice is no model."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def _break(self, engine: Engine, function: str, was: str, wrong: str) -> None:
        with engine.begin() as connection:
            found = connection.execute(text(f"SELECT pg_get_functiondef('{function}'::regproc)")).scalar_one()
            assert was in found
            connection.execute(text(found.replace(was, wrong).replace(":", "\\:")))

    @pytest.mark.long
    @pytest.mark.parametrize("bug", BUGS)
    def test_the_model_notices(self, engine: Engine, bug: str) -> None:
        self._break(engine, *BUGS[bug])
        with pytest.raises(NOTICED):
            run(Bursts, examples=100, steps=10, phases=[Phase.generate])

    @pytest.mark.parametrize("function", ["ledger_post", "ledger_restore"])
    def test_a_debt_that_is_never_paid_is_noticed(self, engine: Engine, function: str) -> None:
        self._break(engine, function, "balance > 0", "balance < 0")
        with pytest.raises(AssertionError):
            a_debt_is_paid_by_the_next_points(engine)
