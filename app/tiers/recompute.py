"""Whether the books say of every member what the purchases and plans come to; and mending what they do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import engine, transaction
from app.tiers import books
from app.tiers.books import Recorded
from app.tiers.plan import Plans, plans
from app.tiers.review import bring_up_to_date
from app.tiers.walk import Standing, walk

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Difference:
    member_id: int
    member_no: str
    problem: str


_MEMBERS = text("SELECT id FROM members WHERE id > :after ORDER BY id LIMIT :most")
_TO_REVIEW = text("""
    INSERT INTO tier_reviews (member_id) SELECT unnest(CAST(:ids AS bigint[])) ON CONFLICT (member_id) DO NOTHING""")
_LOCK = text("SELECT FROM tier_reviews WHERE member_id = ANY(:ids) ORDER BY member_id FOR UPDATE")


def differences(*, until: datetime, card: bool = True) -> Iterator[Difference]:
    """Everybody of whom the books said something else at that instant than is worked out for it. Changes nothing.

    `card`: compare the tier on the members' cards with the last row of the books, too.
    """
    after = 0
    while True:
        with engine().connect() as connection, connection.begin():
            # One snapshot for each batch: purchases and what was decided about them belong together.
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            ids = list(connection.execute(_MEMBERS, {"after": after, "most": BATCH}).scalars())
            found = _compared(connection, ids, until, card)
        yield from found
        if len(ids) < BATCH:
            return
        after = ids[-1]


def _compared(connection: Connection, ids: Sequence[int], until: datetime, card: bool) -> list[Difference]:
    known, theirs = plans(connection), books.bought(connection, ids)
    now_written = {one.member_id: one for one in books.recorded(connection, ids)}
    found = []
    for one in books.recorded(connection, ids, until=until):
        should = walk(known, theirs.get(one.member_id, ()), until=until).standing
        if should != one.standing:
            found.append(_told(one, f"{_words(one.standing)} instead of {_words(should)}"))
        last = now_written[one.member_id].standing.tier
        if card and last != one.card_tier:
            found.append(_told(one, f"{one.card_tier} on the card instead of {last}"))
    return found


def mend(*, now: datetime) -> Iterator[Difference]:
    """Write what the books lack, batch by batch; tells what it mended. As often as wanted, beside workers and tills."""
    after = 0
    while True:
        with transaction() as session:
            known = plans(session)
            ids = list(session.scalars(_MEMBERS, {"after": after, "most": BATCH}))
            found = _mended(session, known, ids, now)
        yield from found
        if len(ids) < BATCH:
            return
        after = ids[-1]


def _mended(session: Session, known: Plans, ids: Sequence[int], now: datetime) -> list[Difference]:
    if not ids or known.at(now) is None:
        return []
    session.execute(_TO_REVIEW, {"ids": list(ids)})
    session.execute(_LOCK, {"ids": list(ids)})
    before = books.recorded(session, ids)
    # Gifts that are owed are given by the next review: a posting does not belong under these locks.
    bring_up_to_date(session, known, ids, now=now)
    found = []
    for one, after in zip(before, books.recorded(session, ids), strict=True):
        if one.seq != after.seq or one.card_tier != after.card_tier:
            found.append(_told(one, f"{_words(one.standing)} became {_words(after.standing)}"))
    return found


def _told(one: Recorded, problem: str) -> Difference:
    return Difference(member_id=one.member_id, member_no=one.member_no, problem=problem)


def _words(standing: Standing) -> str:
    if standing.valid_through is None:
        return standing.tier
    return f"{standing.tier} ({standing.counts_from} to {standing.valid_through})"
