"""However late, seldom or out of order it was decided: the books come to say what is worked out from the beginning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.tiers.books import Recorded, Row
from app.tiers.bought import Bought, standing_sales
from app.tiers.plan import Plans
from app.tiers.review import lacking
from app.tiers.walk import BEGINNING, walk
from tests.app.tiers.standing import LEVELS, at, buy, held, plan
from tests.seeds import examples

FIRST = date(2027, 11, 1)
DAYS = 500


class Books:
    """One member's history, kept as `review` keeps it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def recorded(self, until: datetime | None = None) -> Recorded:
        rows = [row for row in self.rows if until is None or row.change.at <= until]
        last = rows[-1] if rows else None
        return Recorded(
            member_id=1,
            member_no="1",
            active=True,
            card_tier="normal",
            seq=last.seq if last else 0,
            at=last.change.at if last else None,
            standing=last.change.standing if last else BEGINNING,
            gifted=frozenset((self.gifts() - self.undone()).elements()),
            undone=self.undone(),
        )

    def gifts(self) -> Counter[str]:
        return Counter(row.change.standing.tier for row in self.rows if row.gift_points)

    def undone(self) -> Counter[str]:
        return Counter(tier for row in self.rows for tier in row.undone)

    def review(self, plans: Plans, bought: Sequence[Bought], now: datetime) -> None:
        self.rows += lacking(plans, self.recorded(), walk(plans, bought, until=now))


days = st.integers(0, DAYS).map(lambda n: FIRST + timedelta(days=n))
purchases = st.lists(
    st.builds(buy, days, st.integers(0, 200), hour=st.integers(0, 23), store=st.integers(1, 3)),
    max_size=25,
    unique_by=lambda one: one.at,
)
few = [LEVELS[0], {"code": "gold", "at_least": 3, "gift_points": 9}]
some_plan = st.one_of(
    st.builds(plan, st.just("days"), st.integers(11, 120), grace_days=st.integers(0, 10)),
    st.builds(plan, st.just("months"), st.integers(1, 14), grace_days=st.integers(0, 20)),
    st.builds(plan, st.just("calendar_year"), st.none(), grace_days=st.integers(0, 92)),
    st.builds(
        plan,
        st.just("days"),
        st.integers(11, 120),
        basis=st.sampled_from(["visits", "growth"]),
        levels=st.sampled_from([few, LEVELS[:2]]),
    ),
)
turns = st.lists(st.tuples(days, some_plan), min_size=1, max_size=3).map(lambda versions: held(*versions))
moments = st.lists(days, max_size=30).map(lambda some: [at(day, 13) for day in sorted(some)])
END = at(FIRST + timedelta(days=2 * DAYS))


@given(turns, purchases, moments)
@settings(deadline=None, max_examples=examples(300))
def test_reviews_at_any_times_write_what_one_walk_finds(
    plans: Plans, bought: list[Bought], reviews: list[datetime]
) -> None:
    bought.sort(key=lambda one: one.at)
    books = Books()
    for now in (*reviews, END):
        # What a review knows is what had been sold by then.
        books.review(plans, [one for one in bought if one.at <= now], now)
    whole = walk(plans, bought, until=END)
    assert [row.change for row in books.rows] == list(whole.changes)
    for now in reviews:
        assert books.recorded(now).standing == walk(plans, bought, until=now).standing


@given(turns, purchases, moments, st.lists(st.none() | st.integers(0, 90), min_size=25, max_size=25))
@settings(deadline=None, max_examples=examples(300))
def test_after_a_void_everything_is_as_if_the_sale_had_never_been(
    plans: Plans, bought: list[Bought], reviews: list[datetime], days_until_void: list[int | None]
) -> None:
    voids = [
        replace(one, at=one.at + timedelta(days=days, minutes=1), amount_fen=-one.amount_fen, void=True)
        for one, days in zip(bought, days_until_void, strict=False)
        if days is not None and one.amount_fen
    ]
    events = sorted([*bought, *voids], key=lambda one: one.at)
    books = Books()
    for now in (*reviews, END):
        books.review(plans, [one for one in events if one.at <= now], now)
    whole = walk(plans, events, until=END)
    assert [row.change for row in books.rows] == list(whole.changes)
    clean = walk(plans, standing_sales(events), until=END)
    assert (books.recorded().standing, whole.next_at) == (clean.standing, clean.next_at)
    assert all(0 <= books.gifts()[tier] - books.undone()[tier] <= 1 for tier in ("silver", "gold"))
    for tier in books.recorded().gifted:
        assert tier in whole.gifts
    assert whole.gifts == clean.gifts
    numbers = [(row.change.standing.tier, row.gift_no) for row in books.rows if row.gift_points]
    assert len(numbers) == len(set(numbers))


@given(turns, purchases, moments, st.lists(st.integers(0, 60), min_size=25, max_size=25))
@settings(deadline=None, max_examples=examples(300))
def test_purchases_that_come_to_light_late_are_made_good(
    plans: Plans, bought: list[Bought], reviews: list[datetime], days_late: list[int]
) -> None:
    bought.sort(key=lambda one: one.at)
    known_at = {one: one.at + timedelta(days=late) for one, late in zip(bought, days_late, strict=False)}
    books = Books()
    for now in (*reviews, END):
        books.review(plans, [one for one in bought if known_at[one] <= now], now)
    whole = walk(plans, bought, until=END)
    assert books.recorded().standing == whole.standing
    times = [row.change.at for row in books.rows]
    assert times == sorted(times)
    given = [row.change.standing.tier for row in books.rows if row.gift_points]
    assert len(given) == len(set(given))
    tiers = ["normal", *(row.change.standing.tier for row in books.rows)]
    assert [row.change.from_tier for row in books.rows] == tiers[:-1]

    rows = len(books.rows)
    books.review(plans, bought, END)
    assert len(books.rows) == rows
