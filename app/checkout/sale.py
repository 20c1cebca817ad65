"""A sale: the bill is written down, points are earned, the member will be told. All of it in one statement.

A look comes first, without locks; what it saw may change before the write. Whatever must not happen twice has its
unique key, so the second of two tills, or of two tries, fails as a whole, looks again and learns what the first did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line, lines_of
from app.clock import business_date
from app.db import ask, statements
from app.errors import Conflict, Gone, NotFound
from app.ids import new_id
from app.ledger import post
from app.ledger.post import POINTS, Cause, Posting
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
    lines = lines_of(bill)
    with statements() as connection:
        look = _look(connection, till, ticket, request, now)
        if look.former is not None:
            return look.former
        situation = _situation(look.row, till, ticket, now)
        try:
            return _record(connection, till, ticket, bill, lines, situation, request, now)
        except psycopg.errors.UniqueViolation as error:
            look = _look(connection, till, ticket, request, now)
            if look.former is not None:
                return look.former
            raise _refusal(error) from error


# The key, the ticket and the rule in force, in one trip.
_LOOK = f"""
    SELECT f.request_hash, f.answer, k.member_id, k.expires_at, k.staff_id, k.terminal_id, m.status,
        s.id IS NOT NULL AS used, r.id AS rule_id, r.rate_bp, r.lifetime_days
    FROM (SELECT) one
    LEFT JOIN ({idempotency.FORMER}) f ON true
    LEFT JOIN scan_tickets k ON k.id = %(ticket)s
    LEFT JOIN members m ON m.id = k.member_id
    LEFT JOIN sales s ON s.ticket_id = k.id
    LEFT JOIN LATERAL ({IN_FORCE}) r ON true"""  # noqa: S608  # constants of our own


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The answer to a former try, or else what this one meets."""

    former: Recorded | None
    row: Any


def _look(
    connection: psycopg.Connection[Any],
    till: Till,
    ticket: str | None,
    request: idempotency.Request,
    now: datetime,
) -> _Look:
    values = idempotency.claim_values(request) | {"ticket": ticket, "store_id": till.store_id, "now": now}
    row = ask(connection, _LOOK, values)[0]
    return _Look(former=idempotency.former(request, row.request_hash, row.answer, Recorded), row=row)


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
    connection: psycopg.Connection[Any],
    till: Till,
    ticket: str | None,
    bill: Bill,
    lines: Sequence[Line],
    situation: _Situation,
    request: idempotency.Request,
    now: datetime,
) -> Recorded:
    points = points_for(bill.amount_fen, situation.rule.rate_bp) if situation.rule else 0
    recorded = Recorded(
        sale_id=new_id(now),
        receipt_no=bill.receipt_no,
        amount_fen=bill.amount_fen,
        points_earned=points,
        points_after=None,
        business_date=business_date(now, till.time_zone),
        occurred_at=now,
    )
    shares = split(points, [line.amount_fen for line in lines])
    values = _row(till, ticket, situation, recorded, lines, shares)
    values |= _earning(till, situation, recorded) | idempotency.answer_values(request, recorded, now)
    [row] = ask(connection, _WRITE, values)
    return msgspec.json.decode(row.answer, type=Recorded)


def _earning(till: Till, situation: _Situation, recorded: Recorded) -> dict[str, object]:
    cause = Cause(
        kind="earn",
        source_type="sale",
        source_id=recorded.sale_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        rule_id=situation.rule.id if situation.rule else None,
        occurred_at=recorded.occurred_at,
        business_date=recorded.business_date,
    )
    if situation.member_id is None or situation.rule is None or recorded.points_earned == 0:
        return post.values(cause, [])
    credit = Posting(
        member_id=situation.member_id,
        unit=POINTS,
        amount=recorded.points_earned,
        house="points_issued",
        expires_at=ends_at(situation.rule, recorded.business_date, till.time_zone),
    )
    return post.values(cause, [credit])


# The earning, the sale, its lines, the fact and the key's answer: one statement, one transaction, one trip. What the
# member has afterwards is known to the database alone, which therefore puts the last word into fact and answer.
_WRITE = f"""
    WITH earned AS MATERIALIZED (SELECT balance_after AS points FROM {post.POST}),
    sale AS (
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
        SELECT 'sale_completed', %(id)s, %(member_id)s::bigint,
            %(fact)s::jsonb || jsonb_build_object('points_after', (SELECT points FROM earned)), %(now)s
        WHERE %(member_id)s::bigint IS NOT NULL)
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (%(scope)s, %(key)s, %(request_hash)s,
        %(answer)s::jsonb || jsonb_build_object('points_after', (SELECT points FROM earned)), %(now)s)
    RETURNING answer"""  # noqa: S608  # constants of our own


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
    """What whoever reacts to a sale needs to know of it; `points_after` joins it in the database."""
    fact = {
        "store_id": till.store_id,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
    }
    return msgspec.json.encode(fact).decode()


def _refusal(error: psycopg.errors.UniqueViolation) -> Exception:
    """Two tills that passed the look together: the unique keys name the one that came second."""
    if error.diag.constraint_name == "uq_sales_store_id_receipt_no":
        return ReceiptNumberUsed()
    if error.diag.constraint_name == "uq_sales_ticket_id":
        return TicketUsed()
    return error
