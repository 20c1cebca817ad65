"""Writing a sale down: earning, sale, lines, fact and the key's answer in one statement, one transaction, one trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line
from app.clock import business_date
from app.db import ask
from app.ids import new_id
from app.ledger import post
from app.ledger.post import POINTS, Cause, Posting
from app.points.earn import Earning
from app.points.explain import Part, kept
from app.stores.tills import Till

#: The constraint that refuses a sale which would give more than a rule gives in a day.
OVER_THE_DAY = "ck_earn_counts_within_limit"
#: The constraint that refuses a sale whose member stopped being one after the look.
NO_MEMBER_ANY_MORE = "ck_sales_ticket_has_member"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The answer to the till. `points_after` is what the member may spend then, None where nothing was earned.

    `pending` points beside them may not be spent yet, the first of them from `pending_from` on. `earned` says why it
    was so much; `available_at` is when the points of this sale may be spent, None: at once.
    """

    sale_id: str
    receipt_no: str
    amount_fen: int
    points_earned: int
    points_after: int | None
    business_date: date
    occurred_at: datetime
    available_at: datetime | None = None
    pending: int = 0
    pending_from: datetime | None = None
    earned: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """The member with the ticket they came with, their tier at this moment, and what they earn."""

    member_id: int
    ticket: str
    tier: str
    earning: Earning
    found_by: str = "code"


def record(
    connection: psycopg.Connection[Any],
    *,
    till: Till,
    bill: Bill,
    lines: Sequence[Line],
    buyer: Buyer | None,
    request: idempotency.Request,
    now: datetime,
) -> Recorded:
    """Raises `UniqueViolation` for whatever has happened before, `CheckViolation` of `OVER_THE_DAY`
    and of `NO_MEMBER_ANY_MORE`."""
    earning = None if buyer is None else buyer.earning
    recorded = Recorded(
        sale_id=new_id(now),
        receipt_no=bill.receipt_no,
        amount_fen=bill.amount_fen,
        points_earned=0 if earning is None else earning.points,
        points_after=None,
        business_date=business_date(now, till.time_zone),
        occurred_at=now,
        available_at=earning.available_at if earning is not None and earning.points else None,
        earned=() if earning is None else earning.parts,
    )
    values = _row(till, buyer, recorded, lines)
    values |= _posting(till, buyer, recorded) | idempotency.answer_values(request, recorded, now)
    statement = _WRITE
    if earning is not None and earning.counts:
        statement = _WRITE_COUNTED
        values["counts"] = msgspec.json.encode(earning.counts).decode()
    [row] = ask(connection, statement, values)
    return msgspec.json.decode(row.answer, type=Recorded)


def _posting(till: Till, buyer: Buyer | None, recorded: Recorded) -> dict[str, object]:
    cause = Cause(
        kind="earn",
        source_type="sale",
        source_id=recorded.sale_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        rule_id=None if buyer is None else buyer.earning.rule_id,
        occurred_at=recorded.occurred_at,
        business_date=recorded.business_date,
    )
    if buyer is None or recorded.points_earned == 0:
        return post.values(cause, [])
    credit = Posting(
        member_id=buyer.member_id,
        unit=POINTS,
        amount=recorded.points_earned,
        house="points_issued",
        available_at=buyer.earning.available_at,
        expires_at=buyer.earning.expires_at,
    )
    return post.values(cause, [credit])


# Whoever took consent back, or was frozen, since the look is no buyer: the sale has a ticket and no member, and its
# constraint refuses all of it. What the member has afterwards is known to the database alone, which therefore puts the
# last word into fact and answer.
_WRITE = f"""
    WITH credited AS MATERIALIZED (
        SELECT jsonb_build_object('points_after', balance_after - pending, 'pending', pending,
            'pending_from', pending_from) AS held FROM {post.POST}),
    buyer AS MATERIALIZED (
        SELECT id FROM members WHERE id = %(member_id)s::bigint AND status = 'active' FOR SHARE),
    sale AS (
        INSERT INTO sales (id, store_id, terminal_id, staff_id, member_id, ticket_id, receipt_no, amount_fen,
            points_earned, rule_id, tier_code, earned, occurred_at, business_date)
        VALUES (%(id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s, (SELECT id FROM buyer), %(ticket)s,
            %(receipt_no)s, %(amount_fen)s, %(points)s, %(rule_id)s, %(tier)s, %(earned)s::jsonb, %(now)s, %(day)s)),
    lines AS (
        INSERT INTO sale_lines (sale_id, line_no, sku, name, category, quantity, unit_price_fen, points_earned)
        SELECT %(id)s, line_no, sku, name, category, quantity, unit_price_fen, points_earned
            FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (line_no integer, sku text, name text, category text,
                quantity integer, unit_price_fen bigint, points_earned bigint)),
    fact AS (
        INSERT INTO facts (kind, subject, member_id, payload, created_at)
        SELECT 'sale_completed', %(id)s, %(member_id)s::bigint,
            %(fact)s::jsonb || coalesce((SELECT held FROM credited), '{{}}'), %(now)s
        WHERE %(member_id)s::bigint IS NOT NULL)
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (%(scope)s, %(key)s, %(request_hash)s,
        %(answer)s::jsonb || coalesce((SELECT held FROM credited), '{{}}'), %(now)s)
    RETURNING answer"""  # noqa: S608  # constants of our own

# The same where a rule has a daily limit: what it gives is added to what it gave, and the constraint on the row refuses
# the sum when somebody else was faster. The other sales do not pay for it.
_WRITE_COUNTED = _WRITE.replace(
    "sale AS (",
    """counted AS (
        INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)
        SELECT %(member_id)s::bigint, %(day)s, rule_no, points, most
            FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (rule_no bigint, points bigint, most bigint)
        ON CONFLICT (member_id, business_date, rule_no)
            DO UPDATE SET points = earn_counts.points + excluded.points, most = excluded.most),
    sale AS (""",
    1,
)


def _row(till: Till, buyer: Buyer | None, recorded: Recorded, lines: Sequence[Line]) -> dict[str, object]:
    return {
        "id": recorded.sale_id,
        "store_id": till.store_id,
        "terminal_id": till.terminal_id,
        "staff_id": till.staff_id,
        "member_id": None if buyer is None else buyer.member_id,
        "ticket": None if buyer is None else buyer.ticket,
        "receipt_no": recorded.receipt_no,
        "amount_fen": recorded.amount_fen,
        "points": recorded.points_earned,
        "rule_id": None if buyer is None else buyer.earning.rule_id,
        "tier": None if buyer is None else buyer.tier,
        "earned": kept(recorded.earned),
        "now": recorded.occurred_at,
        "day": recorded.business_date,
        "lines": _line_rows(lines, None if buyer is None else buyer.earning.shares),
        "fact": _fact(till, buyer, recorded),
    }


def _line_rows(lines: Sequence[Line], shares: Sequence[int] | None) -> str:
    """As JSON: one value to hand over, where arrays would be six."""
    rows = [
        {
            "line_no": place,
            "sku": line.sku,
            "name": line.name,
            "category": line.category,
            "quantity": line.quantity,
            "unit_price_fen": line.unit_price_fen,
            "points_earned": share,
        }
        for place, (line, share) in enumerate(zip(lines, shares or [0] * len(lines), strict=True), start=1)
    ]
    return msgspec.json.encode(rows).decode()


def _fact(till: Till, buyer: Buyer | None, recorded: Recorded) -> str:
    """What whoever reacts to a sale needs to know of it; what the member has afterwards joins it in the database."""
    fact: dict[str, object] = {
        "store_id": till.store_id,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
        "points_after": None,
    }
    if buyer is not None and buyer.found_by != "code":
        fact["noted"] = f"by_{buyer.found_by}"
    return msgspec.json.encode(fact).decode()
