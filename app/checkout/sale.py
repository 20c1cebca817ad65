"""A sale: the bill is written down, points are earned, the member will be told. One transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import business_date
from app.db import ask, transaction
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
            row = ask(session, _BEGIN, _begin_values(till, ticket, request, now))[0]
            former = idempotency.former(request, row.request_hash, row.answer, Recorded)
            if former is not None:
                return former
            situation = _situation(row, till, ticket, now)
            return _record(session, till, ticket, bill, lines, situation, request, now)
    except psycopg.errors.UniqueViolation as error:
        raise _refusal(error) from error


def _lines(bill: Bill) -> Sequence[Line]:
    if not bill.lines:
        return [Line(sku="", name="", quantity=1, unit_price_fen=bill.amount_fen)]
    total = sum(line.amount_fen for line in bill.lines)
    if total != bill.amount_fen:
        raise LinesDoNotSum(lines_fen=total)
    return bill.lines


# The key, the ticket and the rule in force, in one trip.
_BEGIN = f"""
    SELECT c.request_hash, c.answer, k.member_id, k.expires_at, k.staff_id, k.terminal_id, m.status,
        s.id IS NOT NULL AS used, r.id AS rule_id, r.rate_bp, r.lifetime_days
    FROM (SELECT) one
    LEFT JOIN {idempotency.CLAIM} c ON true
    LEFT JOIN scan_tickets k ON k.id = %(ticket)s
    LEFT JOIN members m ON m.id = k.member_id
    LEFT JOIN sales s ON s.ticket_id = k.id
    LEFT JOIN LATERAL ({IN_FORCE}) r ON true"""  # noqa: S608  # constants of our own


def _begin_values(
    till: Till, ticket: str | None, request: idempotency.Request, now: datetime
) -> dict[str, object]:
    return {**idempotency.claim_values(request), "ticket": ticket, "store_id": till.store_id, "now": now}


def _situation(row: Any, till: Till, ticket: str | None, now: datetime) -> _Situation:
    if ticket is None:
        return _Situation(member_id=None, rule=None)
    if row.member_id is None or row.terminal_id != till.terminal_id or row.staff_id != till.staff_id:
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
    row = _row(till, ticket, situation, recorded, lines, shares)
    ask(session, _WRITE, row | idempotency.answer_values(request, recorded, now))
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


# Sale, lines, fact and the key's answer in one trip: inserts that look at nothing.
_WRITE = f"""
    WITH sale AS (
        INSERT INTO sales (id, store_id, terminal_id, staff_id, member_id, ticket_id, receipt_no, amount_fen,
            points_earned, rule_id, occurred_at, business_date)
        VALUES (%(id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s, %(member_id)s, %(ticket)s, %(receipt_no)s,
            %(amount_fen)s, %(points)s, %(rule_id)s, %(now)s, %(day)s)),
    lines AS (
        INSERT INTO sale_lines (sale_id, line_no, sku, name, quantity, unit_price_fen, points_earned)
        SELECT %(id)s, line_no, sku, name, quantity, unit_price_fen, points_earned
            FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (line_no integer, sku text, name text, quantity integer,
                unit_price_fen bigint, points_earned bigint)),
    fact AS (
        INSERT INTO facts (kind, subject, member_id, payload, created_at)
        SELECT 'sale_completed', %(id)s, %(member_id)s::bigint, %(fact)s::jsonb, %(now)s
        WHERE %(member_id)s::bigint IS NOT NULL)
    {idempotency.REMEMBER}"""  # noqa: S608  # constants of our own


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
        "fact": _fact(till, recorded),
        "rule_id": situation.rule.id if situation.rule else None,
        "now": recorded.occurred_at,
        "day": recorded.business_date,
        "lines": _line_rows(lines, shares),
    }


def _line_rows(lines: Sequence[Line], shares: Sequence[int]) -> str:
    """As JSON: one value to hand over, where arrays would be five."""
    rows = [
        {
            "line_no": place,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price_fen": line.unit_price_fen,
            "points_earned": share,
        }
        for place, (line, share) in enumerate(zip(lines, shares, strict=True), start=1)
    ]
    return msgspec.json.encode(rows).decode()


def _fact(till: Till, recorded: Recorded) -> str:
    """What whoever reacts to a sale needs to know of it."""
    fact = {
        "store_id": till.store_id,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
        "points_after": recorded.points_after,
    }
    return msgspec.json.encode(fact).decode()


def _refusal(error: psycopg.errors.UniqueViolation) -> Exception:
    """Two tills that passed the look together: the unique keys name the one that came second."""
    if error.diag.constraint_name == "uq_sales_store_id_receipt_no":
        return ReceiptNumberUsed()
    if error.diag.constraint_name == "uq_sales_ticket_id":
        return TicketUsed()
    return error
