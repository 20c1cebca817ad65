"""What a top-up earns by rules that apply to top-ups: worked out as for a sale, kept and told with the top-up."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.ledger.post import POINTS, Cause, Posting, post
from app.points.earn import Counted, Earning, earn
from app.points.explain import kept
from app.points.fitting import MemberFacts, StoreFacts
from app.points.loaded import STAMP, rules_at
from app.stored_value.models import TopUp
from app.typed import read

#: In the mini-program: a rule that names stores names no such one.
_NO_STORE = 0


@dataclass(frozen=True, kw_only=True)
class _Paid:
    """The one line of a top-up: rules that choose goods are not about it."""

    amount_fen: int
    sku: str = ""
    category: str = ""


# Top-ups of one member one after another, so that what a daily limit has left is looked at after the one before.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('top_up_earn:' || :member_id, 0))")
_FACTS = text(f"""
    SELECT m.birthday, t.code AS tier, {STAMP} AS stamp, (
        SELECT CAST(json_object_agg(c.rule_no, c.points) AS text) FROM earn_counts c
        WHERE c.business_date = :day AND c.member_id = m.id) AS taken
    FROM members m LEFT JOIN tiers t ON t.id = m.tier_id WHERE m.id = :member_id""")  # noqa: S608  # a constant of our own
_COUNT = text("""
    INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)
    VALUES (:member_id, :day, :rule_no, :points, :most)
    ON CONFLICT (member_id, business_date, rule_no)
        DO UPDATE SET points = earn_counts.points + excluded.points, most = excluded.most""")


def work_out(session: Session, top_up: TopUp, *, day: date, now: datetime, time_zone: str) -> Earning:
    """What it earns at this moment, written into the top-up before it is credited; daily limits are counted."""
    session.execute(_ONE_AT_A_TIME, {"member_id": str(top_up.member_id)})
    facts = session.execute(_FACTS, {"member_id": top_up.member_id, "day": day}).one()
    earning = earn(
        rules=rules_at(_driver(session), facts.stamp).in_force(now),
        lines=[_Paid(amount_fen=top_up.amount_fen)],
        member=MemberFacts(tier=facts.tier or "", birthday=facts.birthday),
        store=StoreFacts(id=top_up.store_id or _NO_STORE, time_zone=time_zone),
        at=now,
        applies_to="top_up",
        taken={} if facts.taken is None else read(facts.taken, dict[int, int]),
    )
    for counted in earning.counts:
        _count(session, top_up.member_id, day, counted)
    top_up.points_earned, top_up.rule_id = earning.points, earning.rule_id
    top_up.earned = msgspec.json.decode(kept(earning.parts))
    return earning


def post_earned(session: Session, top_up: TopUp, earning: Earning, *, day: date, now: datetime) -> None:
    """The points in a movement and a lot of their own: they last as the base rule says, not as the offer does."""
    if not earning.points:
        return
    cause = Cause(
        kind="top_up_earn",
        source_type="top_up",
        source_id=top_up.id,
        store_id=top_up.store_id,
        terminal_id=top_up.terminal_id,
        staff_id=top_up.staff_id,
        rule_id=earning.rule_id,
        occurred_at=now,
        business_date=day,
    )
    credit = Posting(
        member_id=top_up.member_id,
        unit=POINTS,
        amount=earning.points,
        house="points_issued",
        available_at=earning.available_at,
        expires_at=earning.expires_at,
    )
    post(session, cause, [credit])


def _count(session: Session, member_id: int, day: date, counted: Counted) -> None:
    session.execute(_COUNT, {"member_id": member_id, "day": day} | asdict(counted))


def _driver(session: Session) -> "psycopg.Connection[object]":
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
