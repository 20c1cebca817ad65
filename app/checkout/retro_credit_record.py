"""Writing down that a sale got its member afterwards: the earning, the sale's new columns, the fact, the audit row."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.checkout.daily_models import SaleCredit
from app.checkout.models import Sale
from app.clock import business_date
from app.db import Busy, ask
from app.facts.tell import tell
from app.ledger.post import POINTS, Cause, Posted, Posting, post
from app.points.earn import Earning, earn
from app.points.explain import Part, kept
from app.points.fitting import MemberFacts, StoreFacts
from app.points.loaded import STAMP, rules_at


@dataclass(frozen=True, kw_only=True)
class Credited:
    """`state` is `done`, or `pending` with the request that waits for a second person; then nothing has moved.

    `amount_fen` is what of the sale counts: what has not been refunded. The others as in the answer to a sale.
    """

    credit_id: str
    sale_id: str
    receipt_no: str
    state: str
    approval_id: str | None
    amount_fen: int
    points_earned: int = 0
    points_after: int | None = None
    available_at: datetime | None = None
    pending: int = 0
    earned: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LeftLine:
    """A line of the sale as far as it has not been refunded; `gone` if nothing of it is left."""

    line_no: int
    sku: str
    category: str
    amount_fen: int
    refunded_fen: int
    gone: bool


_LEFT = text("""
    SELECT line_no, sku, category, quantity * unit_price_fen - discount_fen - refunded_fen AS amount_fen, refunded_fen,
        refunded_quantity = quantity AS gone
    FROM sale_lines WHERE sale_id = :sale_id ORDER BY line_no""")


def left_of(session: Session, sale_id: str) -> list[LeftLine]:
    """Of a sale that is locked. Nothing of it was paid with points or bonus: that takes a member."""
    return [LeftLine(**row._mapping) for row in session.execute(_LEFT, {"sale_id": sale_id})]


def write_down(
    session: Session, credit: SaleCredit, sale: Sale, lines: list[LeftLine], time_zone: str, *, now: datetime
) -> Credited:
    """By the rules of the moment of the sale, for the member as they are now. Sale and member are locked.

    Raises `Busy` when the member earned elsewhere at this moment by a rule with a daily limit.
    """
    tier, earning = _earning(session, credit, sale, lines, time_zone)
    credit.state, credit.credited_at, credit.points = "credited", now, earning.points
    session.add(credit)
    session.flush()  # before the books: a ticket that is used ends it here
    posted = _post(session, credit, earning, business_date(now, time_zone), now) if earning.points else None
    _count(session, credit.member_id, sale.business_date, earning)
    _give_to(session, credit, earning, tier)
    _tell(session, credit, earning, posted, now)
    return Credited(
        credit_id=credit.id,
        sale_id=sale.id,
        receipt_no=sale.receipt_no,
        state="done",
        approval_id=credit.approval_id,
        amount_fen=credit.amount_fen,
        points_earned=earning.points,
        points_after=posted.balance_after - posted.pending if posted else None,
        available_at=earning.available_at if posted else None,
        pending=posted.pending if posted else 0,
        earned=earning.parts,
    )


_MEMBER = f"""
    SELECT m.birthday, t.code AS tier, {STAMP} AS stamp FROM members m JOIN tiers t ON t.id = m.tier_id
    WHERE m.id = %(member_id)s"""  # noqa: S608  # a constant of our own
_TAKEN = text("SELECT rule_no, points FROM earn_counts WHERE member_id = :member_id AND business_date = :day")


def _earning(
    session: Session, credit: SaleCredit, sale: Sale, lines: list[LeftLine], time_zone: str
) -> tuple[str, Earning]:
    [member] = ask(session, _MEMBER, {"member_id": credit.member_id})
    taken = session.execute(_TAKEN, {"member_id": credit.member_id, "day": sale.business_date}).all()
    earning = earn(
        rules=rules_at(session, member.stamp).in_force(sale.occurred_at),
        lines=lines,
        member=MemberFacts(tier=member.tier, birthday=member.birthday),
        store=StoreFacts(id=sale.store_id, time_zone=time_zone),
        at=sale.occurred_at,
        taken={row.rule_no: row.points for row in taken},
    )
    return member.tier, earning


def _post(session: Session, credit: SaleCredit, earning: Earning, day: date, now: datetime) -> Posted:
    """Under the cause an ordinary sale has: it happens once, and refunds find it."""
    cause = Cause(
        kind="earn",
        source_type="sale",
        source_id=credit.sale_id,
        store_id=credit.store_id,
        terminal_id=credit.terminal_id,
        staff_id=credit.staff_id,
        rule_id=earning.rule_id,
        occurred_at=now,
        business_date=day,
    )
    movement = Posting(
        member_id=credit.member_id,
        unit=POINTS,
        amount=earning.points,
        house="points_issued",
        available_at=earning.available_at,
        expires_at=earning.expires_at,
    )
    [posted] = post(session, cause, [movement])
    return posted


_COUNT = """
    INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)
    SELECT %(member_id)s::bigint, %(day)s, rule_no, points, most
        FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (rule_no bigint, points bigint, most bigint)
    ON CONFLICT (member_id, business_date, rule_no)
        DO UPDATE SET points = earn_counts.points + excluded.points, most = excluded.most"""


def _count(session: Session, member_id: int, day: date, earning: Earning) -> None:
    if not earning.counts:
        return
    counts = msgspec.json.encode(earning.counts).decode()
    try:
        ask(session, _COUNT, {"member_id": member_id, "day": day, "counts": counts})
    except psycopg.errors.CheckViolation as error:
        raise Busy(retry_after_s=1) from error


_SALE = text("""
    UPDATE sales SET member_id = :member_id, points_earned = :points, rule_id = :rule_id, tier_code = :tier,
        earned = CAST(:earned AS jsonb)
    WHERE id = :sale_id AND member_id IS NULL""")
_LINES = text("""
    UPDATE sale_lines SET points_earned = l.points, uncredited_fen = refunded_fen
    FROM unnest(CAST(:numbers AS integer[]), CAST(:shares AS bigint[])) AS l (line_no, points)
    WHERE sale_lines.sale_id = :sale_id AND sale_lines.line_no = l.line_no""")


def _give_to(session: Session, credit: SaleCredit, earning: Earning, tier: str) -> None:
    session.execute(
        _SALE,
        {
            "sale_id": credit.sale_id,
            "member_id": credit.member_id,
            "points": earning.points,
            "rule_id": earning.rule_id,
            "tier": tier,
            "earned": kept(earning.parts),
        },
    )
    numbers = list(range(1, len(earning.shares) + 1))
    session.execute(_LINES, {"sale_id": credit.sale_id, "numbers": numbers, "shares": list(earning.shares)})


def _tell(
    session: Session, credit: SaleCredit, earning: Earning, posted: Posted | None, now: datetime
) -> None:
    """The fact of every sale: the tier is looked at and the member gets a receipt."""
    payload: dict[str, Any] = {
        "store_id": credit.store_id,
        "amount_fen": credit.amount_fen,
        "points_earned": earning.points,
        "points_after": posted.balance_after - posted.pending if posted else None,
        "pending": posted.pending if posted else 0,
        "noted": "afterwards",
    }
    tell(
        session,
        "sale_completed",
        subject=credit.sale_id,
        member_id=credit.member_id,
        payload=payload,
        now=now,
    )
    audit.record(
        session,
        audit.Actor(type="staff", id=credit.staff_id),
        "sale.credit",
        "sale",
        credit.sale_id,
        now=now,
        store_id=credit.store_id,
        credit_id=credit.id,
        member_id=credit.member_id,
        amount_fen=credit.amount_fen,
        points=earning.points,
        approval_id=credit.approval_id,
    )
