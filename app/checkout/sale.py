"""A sale: the bill is written down, points are earned, the member will be told. One transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import business_date
from app.db import transaction
from app.errors import Conflict, Gone, Invalid, NotFound
from app.ids import new_id
from app.ledger.post import POINTS, Cause, Posting, post
from app.points.earn import IN_FORCE, Rule, ends_at, points_for, split
from app.stores.tills import Till


class TicketUnknown(NotFound):
    """Not a ticket of this terminal and clerk."""

    code = "ticket_unknown"


class TicketExpired(Gone):
    code = "ticket_expired"


class TicketUsed(Conflict):
    code = "ticket_used"


class ReceiptNumberUsed(Conflict):
    """The store has a sale with this receipt number; a till that lost the answer repeats with the same key instead."""

    code = "receipt_no_used"


class LinesDoNotSum(Invalid):
    """Data: `lines_fen`, what the lines come to."""

    code = "lines_do_not_sum"


@dataclass(frozen=True, kw_only=True)
class Line:
    sku: str
    name: str
    quantity: int
    unit_price_fen: int

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.unit_price_fen


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What was bought. Without lines the whole amount counts as one."""

    receipt_no: str
    amount_fen: int
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The answer to the till. `points_after` is None for a sale without member."""

    sale_id: str
    receipt_no: str
    amount_fen: int
    points_earned: int
    points_after: int | None
    business_date: date
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class _Situation:
    """What the till's request meets: the ticket's member, and the rule by which they earn."""

    member_id: int | None
    rule: Rule | None


def record_sale(
    *, till: Till, ticket: str | None, bill: Bill, request: idempotency.Request, now: datetime
) -> Recorded:
    """Commit a sale; the same key gives the same answer again.

    Raises `TicketUnknown`, `TicketExpired`, `TicketUsed`, `ReceiptNumberUsed`, `LinesDoNotSum`, `KeyReused`, `Busy`;
    then nothing happened.
    """
    lines = _lines(bill)
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Recorded)
            if former is not None:
                return former
            situation = _situation(session, till, ticket, now)
            return _record(session, till, ticket, bill, lines, situation, request, now)
    except IntegrityError as error:
        raise _refusal(error) from error


def _lines(bill: Bill) -> Sequence[Line]:
    if not bill.lines:
        return [Line(sku="", name="", quantity=1, unit_price_fen=bill.amount_fen)]
    total = sum(line.amount_fen for line in bill.lines)
    if total != bill.amount_fen:
        raise LinesDoNotSum(lines_fen=total)
    return bill.lines


_SITUATION = text(f"""
    SELECT k.member_id, k.expires_at, k.staff_id, k.terminal_id, m.status,
        EXISTS (SELECT FROM sales s WHERE s.ticket_id = k.id) AS used, r.id AS rule_id, r.rate_bp, r.lifetime_days
    FROM scan_tickets k JOIN members m ON m.id = k.member_id
    LEFT JOIN LATERAL ({IN_FORCE}) r ON true
    WHERE k.id = :ticket""")  # noqa: S608  # a constant of our own


def _situation(session: Session, till: Till, ticket: str | None, now: datetime) -> _Situation:
    if ticket is None:
        return _Situation(member_id=None, rule=None)
    row = session.execute(_SITUATION, {"ticket": ticket, "store_id": till.store_id, "now": now}).one_or_none()
    if row is None or row.terminal_id != till.terminal_id or row.staff_id != till.staff_id:
        raise TicketUnknown
    if row.used:
        raise TicketUsed
    if row.expires_at <= now or row.status != "active":
        raise TicketExpired
    rule = None
    if row.rule_id is not None:
        rule = Rule(id=row.rule_id, rate_bp=row.rate_bp, lifetime_days=row.lifetime_days)
    return _Situation(member_id=row.member_id, rule=rule)


def _record(
    session: Session,
    till: Till,
    ticket: str | None,
    bill: Bill,
    lines: Sequence[Line],
    situation: _Situation,
    request: idempotency.Request,
    now: datetime,
) -> Recorded:
    sale_id, day = new_id(now), business_date(now, till.time_zone)
    points = points_for(bill.amount_fen, situation.rule.rate_bp) if situation.rule else 0
    after = None
    if situation.member_id is not None and situation.rule is not None and points > 0:
        after = _earn(session, till, sale_id, situation.member_id, situation.rule, points, day, now)
    recorded = Recorded(
        sale_id=sale_id,
        receipt_no=bill.receipt_no,
        amount_fen=bill.amount_fen,
        points_earned=points,
        points_after=after,
        business_date=day,
        occurred_at=now,
    )
    shares = split(points, [line.amount_fen for line in lines])
    session.execute(_WRITE, _row(till, ticket, situation, recorded, lines, shares))
    idempotency.remember(session, request, recorded, now)
    return recorded


def _earn(
    session: Session,
    till: Till,
    sale_id: str,
    member_id: int,
    rule: Rule,
    points: int,
    day: date,
    now: datetime,
) -> int:
    cause = Cause(
        kind="earn",
        source_type="sale",
        source_id=sale_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        rule_id=rule.id,
        occurred_at=now,
        business_date=day,
    )
    credit = Posting(
        member_id=member_id,
        unit=POINTS,
        amount=points,
        house="points_issued",
        expires_at=ends_at(rule, day, till.time_zone),
    )
    [posted] = post(session, cause, [credit])
    return posted.balance_after


# Sale, lines and fact in one trip: three inserts that look at nothing.
_WRITE = text("""
    WITH sale AS (
        INSERT INTO sales (id, store_id, terminal_id, staff_id, member_id, ticket_id, receipt_no, amount_fen,
            points_earned, rule_id, occurred_at, business_date)
        VALUES (:id, :store_id, :terminal_id, :staff_id, :member_id, :ticket, :receipt_no, :amount_fen,
            :points, :rule_id, :now, :day)),
    lines AS (
        INSERT INTO sale_lines (sale_id, line_no, sku, name, quantity, unit_price_fen, points_earned)
        SELECT :id, n, sku, name, quantity, price, points FROM unnest(
            CAST(:skus AS text[]), CAST(:names AS text[]), CAST(:quantities AS integer[]), CAST(:prices AS bigint[]),
            CAST(:shares AS bigint[])) WITH ORDINALITY AS l (sku, name, quantity, price, points, n))
    INSERT INTO facts (kind, subject, member_id, payload, created_at)
    SELECT 'sale_completed', :id, CAST(:member_id AS bigint), json_build_object('store_id', CAST(:store_id AS bigint),
        'amount_fen', CAST(:amount_fen AS bigint), 'points_earned', CAST(:points AS bigint),
        'points_after', CAST(:points_after AS bigint)), :now
    WHERE CAST(:member_id AS bigint) IS NOT NULL""")


def _row(
    till: Till,
    ticket: str | None,
    situation: _Situation,
    recorded: Recorded,
    lines: Sequence[Line],
    shares: Sequence[int],
) -> dict[str, object]:
    return {
        "id": recorded.sale_id,
        "store_id": till.store_id,
        "terminal_id": till.terminal_id,
        "staff_id": till.staff_id,
        "member_id": situation.member_id,
        "ticket": ticket,
        "receipt_no": recorded.receipt_no,
        "amount_fen": recorded.amount_fen,
        "points": recorded.points_earned,
        "points_after": recorded.points_after,
        "rule_id": situation.rule.id if situation.rule else None,
        "now": recorded.occurred_at,
        "day": recorded.business_date,
        "skus": [line.sku for line in lines],
        "names": [line.name for line in lines],
        "quantities": [line.quantity for line in lines],
        "prices": [line.unit_price_fen for line in lines],
        "shares": list(shares),
    }


def _refusal(error: IntegrityError) -> Exception:
    """Two tills that passed the look together: the unique keys name the one that came second."""
    if isinstance(error.orig, psycopg.errors.UniqueViolation):
        if error.orig.diag.constraint_name == "uq_sales_store_id_receipt_no":
            return ReceiptNumberUsed()
        if error.orig.diag.constraint_name == "uq_sales_ticket_id":
            return TicketUsed()
    return error
