"""Points for a birthday: once for each member and year, on the day, by the calendar of the chain.

The tier in which the member's birthday begins says how many. Without a worker that day they come late, up to `LATE`
days, for the tier of the day. A birthday can be told once, but anybody can tell any: it counts when it had been known
for `KNOWN` days, so that nobody makes themselves a present. Who makes many accounts would have a birthday in each: a
plan can ask for a phone number, which only one member has. Bound late, it brings the gift as long as `LATE` allows.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date, start_of_day
from app.coupons.issue import Source
from app.db import Busy, reading, transaction
from app.facts.tell import tell
from app.ledger.post import POINTS, AlreadyPosted, Cause, Posting, post
from app.members.hold import hold
from app.points.lots import valid_through
from app.pruning import always
from app.tiers import coupons
from app.tiers.gifts import gift_ends_at
from app.tiers.plan import LOWEST, PlanVersion, plans

log = logging.getLogger(__name__)

BATCH = 200
#: The books are asked about these two as well (app/ledger/check.py).
LATE = timedelta(days=7)
KNOWN = timedelta(days=30)
_DAY = timedelta(days=1)
_EARLIEST_YEAR = 1900


@dataclass(frozen=True, kw_only=True)
class BirthdayGift:
    """`day` is the birthday of this year; `plan_version` says how many points a tier gives."""

    member_id: int
    day: date
    points: int
    coupon: str | None = None
    plan_version: int
    lifetime_days: int | None

    @property
    def source_id(self) -> str:
        return f"{self.member_id}:{self.day.year}"


def born_on(day: date) -> list[date]:
    """Every date of birth that is celebrated on that day: 29 February on the 28th in years that have none."""
    days = [(day.month, day.day)]
    if (day.month, day.day) == (2, 28) and not _is_leap(day.year):
        days.append((2, 29))
    return [
        date(year, month, number)
        for year in range(_EARLIEST_YEAR, day.year)
        for month, number in days
        if (month, number) != (2, 29) or _is_leap(year)
    ]


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


# Whose tier is not decided up to that day yet, or was decided while we looked, waits for the next run.
_DUE = text("""
    SELECT m.id, coalesce(c.to_tier, :lowest) AS tier FROM members m
    LEFT JOIN LATERAL (
        SELECT x.to_tier FROM tier_changes x WHERE x.member_id = m.id AND x.at <= :begins
        ORDER BY x.seq DESC LIMIT 1) c ON true
    WHERE m.birthday = ANY(CAST(:born AS date[])) AND m.id > :after AND m.status = 'active'
        AND m.birthday_set_at <= :known_by AND (NOT :needs_phone OR m.phone_index IS NOT NULL)
        AND coalesce(c.to_tier, :lowest) = ANY(CAST(:tiers AS text[]))
        AND NOT EXISTS (SELECT FROM tier_reviews r WHERE r.member_id = m.id
            AND (r.due_at <= :begins OR r.plan_version < :version))
        AND NOT EXISTS (SELECT FROM tier_changes x WHERE x.member_id = m.id AND x.decided_at > :now)
        AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.kind = 'birthday_gift'
            AND t.source_type = 'member_year' AND t.source_id = m.id || ':' || :year AND t.source_line = 0)
    ORDER BY m.id LIMIT :most""")


def give(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Give what is due; to how many members. As often as wanted, late, beside others; stops when told so."""
    with reading() as connection:
        known = plans(connection)
    today = business_date(now, HOME_ZONE)
    given = 0
    for back in range(LATE.days, -1, -1):
        day = today - back * _DAY
        held = known.at(start_of_day(day, HOME_ZONE))
        if held is not None:
            given += _give_all(held, day, now, keep_going)
    return given


def _give_all(held: PlanVersion, day: date, now: datetime, keep_going: Callable[[], bool]) -> int:
    given, after = 0, 0
    while keep_going() and (batch := _due(held, day, after, now)):
        for gift in batch:
            if not keep_going():
                return given
            given += _give(gift, now)
        after = batch[-1].member_id
    return given


def _due(held: PlanVersion, day: date, after: int, now: datetime) -> Sequence[BirthdayGift]:
    gifts = {level.code: level for level in held.plan.levels if level.birthday_points}
    if not gifts:
        return ()
    begins = start_of_day(day, HOME_ZONE)
    asked = {
        "born": born_on(day),
        "begins": begins,
        "known_by": begins - KNOWN,
        "needs_phone": held.plan.birthday_needs_phone,
        "tiers": list(gifts),
        "lowest": LOWEST,
        "version": held.version,
        "year": str(day.year),
        "after": after,
        "now": now,
        "most": BATCH,
    }
    with reading() as connection:
        rows = connection.execute(_DUE, asked).all()
    return [
        BirthdayGift(
            member_id=row.id,
            day=day,
            points=gifts[row.tier].birthday_points,
            coupon=gifts[row.tier].birthday_coupon,
            plan_version=held.version,
            lifetime_days=held.plan.gift_lifetime_days,
        )
        for row in rows
    ]


def _give(gift: BirthdayGift, now: datetime) -> bool:
    """False when another was faster, the membership has stopped meanwhile, or the account was busy."""
    try:
        with transaction() as session:
            return _post(session, gift, now)
    except AlreadyPosted:
        return False
    except Busy:
        log.warning("a birthday's gift waits for the next run: the account was busy")
        return False


def _post(session: Session, gift: BirthdayGift, now: datetime) -> bool:
    # The member first, as adjustments do.
    if hold(session, gift.member_id) != "active":
        return False
    today = business_date(now, HOME_ZONE)
    ends = gift_ends_at(gift.lifetime_days, today)
    cause = Cause(
        kind="birthday_gift",
        source_type="member_year",
        source_id=gift.source_id,
        rule_id=gift.plan_version,
        occurred_at=now,
        business_date=today,
    )
    credit = Posting(
        member_id=gift.member_id, unit=POINTS, amount=gift.points, house="points_gifted", expires_at=ends
    )
    post(session, cause, [credit])
    source = Source(kind="birthday_gift", id=gift.source_id)
    coupons.give(session, gift.coupon, gift.member_id, source, now=now)
    last = None if ends is None else valid_through(ends, HOME_ZONE).isoformat()
    tell(
        session,
        "birthday_gift",
        subject=gift.source_id,
        member_id=gift.member_id,
        payload={"points": gift.points, "valid_through": last},
        now=now,
    )
    return True
