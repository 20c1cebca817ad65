"""Deciding about tiers: right after a purchase, when a period ends, and when a plan begins.

A purchase only notes that its member is due (`note`, by the fact of the sale). `review` takes whoever is due, works out
where they stand from all they bought, and writes what the books do not know yet. It may run at any time, late, twice
and on several machines: who is due stays due until all of it is written.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Busy, reading, transaction
from app.pruning import always
from app.tiers import books, gifts
from app.tiers.books import Recorded, Row
from app.tiers.gifts import Gift
from app.tiers.plan import Plans, plans
from app.tiers.walk import BEGINNING, Change, Walked, walk

log = logging.getLogger(__name__)

BATCH = 200
#: A period is closed so long after its midnight: a sale of its last second may still be under way.
SETTLE = timedelta(minutes=2)
#: Who is owed a gift is looked at again, should the worker die before it is given.
_GIFT_AGAIN = timedelta(seconds=30)

_NOTE = text("""
    INSERT INTO tier_reviews (member_id, due_at) VALUES (:member_id, :due_at)
    ON CONFLICT (member_id) DO UPDATE SET due_at = least(tier_reviews.due_at, excluded.due_at)""")
_ANYBODY = text("""
    SELECT EXISTS (SELECT FROM tier_reviews WHERE due_at <= :now) OR EXISTS (
        SELECT FROM tier_reviews WHERE plan_version < (
            SELECT max(version) FROM tier_plans WHERE effective_from <= :now))""")
_DUE = text("""
    SELECT member_id FROM tier_reviews WHERE due_at <= :now
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED""")
_OF_OLDER_PLANS = text("""
    SELECT member_id FROM tier_reviews WHERE plan_version < :version
    ORDER BY plan_version LIMIT :most FOR UPDATE SKIP LOCKED""")


def note(session: Session, member_id: int, *, at: datetime) -> None:
    """The member bought something then: to be looked at.

    Before anything else of the same transaction locks the member: `review` takes this row first, and the member after.
    """
    session.execute(_NOTE, {"member_id": member_id, "due_at": at})


def review(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Decide about everybody who is due; how many were looked at. Stops between two batches if told so."""
    total = 0
    while keep_going():
        with reading() as connection:
            if not connection.execute(_ANYBODY, {"now": now}).scalar_one():
                break
        with transaction() as session:
            known = plans(session)
            members = _taken(session, known, now)
            owed = bring_up_to_date(session, known, members, now=now) if members else []
        for gift in owed:
            _give(gift, now)
        total += len(members)
        if len(members) < BATCH:
            break
    return total


def _taken(session: Session, known: Plans, now: datetime) -> list[int]:
    """Members who are due, their rows locked; nobody while there is no plan."""
    held = known.at(now)
    if held is None:
        return []
    due = list(session.scalars(_DUE, {"now": now, "most": BATCH}))
    if len(due) < BATCH:
        values = {"version": held.version, "most": BATCH - len(due)}
        due += [one for one in session.scalars(_OF_OLDER_PLANS, values) if one not in due]
    return due


def _give(gift: Gift, now: datetime) -> None:
    """One at a time: a gift waits for its member's account, and must not keep others waiting meanwhile."""
    try:
        with transaction() as session:
            gifts.give(session, gift, now=now)
    except Busy:
        log.warning("a tier's gift waits: the account was busy")


def bring_up_to_date(
    session: Session, known: Plans, member_ids: Sequence[int], *, now: datetime
) -> list[Gift]:
    """Write what the books lack of these members, whose reviews the caller has locked; the gifts that are owed."""
    held = known.at(now)
    if held is None:
        return []
    theirs = books.bought(session, member_ids)
    rows, cards = list[Row](), list[tuple[int, str]]()
    due = dict[int, datetime | None]()
    for one in books.recorded(session, member_ids):
        walked = walk(known, theirs.get(one.member_id, ()), until=now)
        added = lacking(known, one, walked)
        rows += added
        due[one.member_id] = _due_again(walked)
        stands = added[-1].change.standing.tier if added else one.standing.tier
        if stands != one.card_tier:
            cards.append((one.member_id, stands))
    books.write(session, rows, now=now)
    books.put_on_cards(session, cards)
    owed = gifts.owed(session, member_ids, due, look_again_at=now + _GIFT_AGAIN)
    waiting = {gift.member_id: gift.look_again_at for gift in owed}
    books.reviewed(session, due | waiting, version=held.version)
    return owed


def lacking(known: Plans, one: Recorded, walked: Walked) -> list[Row]:
    """The rows after which the books say what they should.

    As long as what they say is what was known then, these are the changes since. Where it is not (a sale came to light
    that is older than the last row), one row mends it: what has been written stays.
    """
    then = [change for change in walked.changes if one.at is not None and change.at <= one.at]
    should = then[-1].standing if then else BEGINNING
    later: Sequence[Change] = walked.changes[len(then) :]
    if should == one.standing:
        changes = later
    elif same := [place for place, change in enumerate(later) if change.standing == one.standing]:
        changes = later[same[-1] + 1 :]
    else:
        changes = [_mend(known, one, walked)]
    gifted, times, rows = set(one.gifted), Counter(one.undone), list[Row]()
    for change in changes:
        undone, tier = change.undone & gifted, change.standing.tier
        gifted -= undone
        times.update(undone)
        points = change.gift_points if one.active and tier not in gifted else 0
        if points:
            gifted.add(tier)
        rows.append(
            Row(
                member_id=one.member_id,
                seq=one.seq + len(rows) + 1,
                change=change,
                gift_points=points,
                gift_no=times[tier] + 1,
                undone=undone,
            )
        )
    return rows


def _mend(known: Plans, one: Recorded, walked: Walked) -> Change:
    assert one.at is not None
    last = walked.changes[-1] if walked.changes else None
    at = max(one.at, last.at) if last else one.at
    held = known.at(at)
    assert held is not None
    before, after = held.plan.place(one.standing.tier), held.plan.place(walked.standing.tier)
    higher = after is not None and after > (before or 0)
    return Change(
        kind="mend",
        at=at,
        from_tier=one.standing.tier,
        standing=walked.standing,
        plan_version=held.version,
        amount=last.amount if last else 0,
        sale_id=last.sale_id if last else None,
        gift_points=held.plan.levels[after].gift_points if higher and after is not None else 0,
        undone=frozenset[str]().union(*(change.undone for change in walked.changes)) - walked.gifts,
    )


def _due_again(walked: Walked) -> datetime | None:
    return None if walked.next_at is None else walked.next_at + SETTLE
