"""Writing a sale down: earning, sale, lines, fact and the key's answer in one statement, one transaction, one trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line
from app.checkout.quoted import LineDiscount
from app.checkout.tenders import Tender
from app.clock import business_date
from app.db import ask
from app.ids import new_id
from app.ledger import post
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Cause, Posting
from app.points.earn import Earning
from app.points.explain import Part, kept
from app.stores.tills import Till
from app.typed import read

#: The constraint that refuses a sale which would give more than a rule gives in a day.
OVER_THE_DAY = "ck_earn_counts_within_limit"
#: The constraint that refuses a sale whose member stopped being one after the look.
NO_MEMBER_ANY_MORE = "ck_sales_ticket_has_member"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The answer to the till. `points_after` is what the member may spend then, None where nothing was earned.

    `pending` points beside them may not be spent yet, the first of them from `pending_from` on. `earned` says why it
    was so much; `available_at` is when the points of this sale may be spent, None: at once. Of a sale by quote,
    `discount_fen` is what it took off, `tenders` with what it was paid, and `balance_after_fen` the stored value that
    may be spent then (None: none was spent).
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
    discount_fen: int = 0
    tenders: tuple[Tender, ...] = ()
    balance_after_fen: int | None = None


@dataclass(frozen=True, kw_only=True)
class Used:
    """The quote that a sale takes: what it took off each line, by which benefit, and what of it earns nothing."""

    quote_id: str
    priced_at: datetime
    discount_fen: int
    discounts: tuple[LineDiscount, ...]
    line_discounts: Sequence[int]
    excluded: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """The member with the ticket they came with, their tier at this moment, and what they earn."""

    member_id: int
    ticket: str
    tier: str
    earning: Earning


def record(
    connection: psycopg.Connection[Any],
    *,
    till: Till,
    bill: Bill,
    lines: Sequence[Line],
    buyer: Buyer | None,
    request: idempotency.Request,
    now: datetime,
    tenders: tuple[Tender, ...] = (),
    used: Used | None = None,
) -> Recorded:
    """Raises `UniqueViolation` for whatever has happened before, `CheckViolation` of `OVER_THE_DAY`
    and of `NO_MEMBER_ANY_MORE`; with a quote also `ForeignKeyViolation` for one that may not be used (any more), and
    MC003 when the member has less than it spends."""
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
        discount_fen=0 if used is None else used.discount_fen,
        tenders=tenders,
    )
    values = _row(till, buyer, recorded, lines, used)
    values |= _posting(till, buyer, recorded) | idempotency.answer_values(request, recorded, now)
    counts = () if earning is None else earning.counts
    if counts:
        values["counts"] = msgspec.json.encode(counts).decode()
    if tenders:
        values["tenders"] = msgspec.json.encode(tenders).decode()
    if used is not None:
        values |= _quote_values(used, buyer, tenders)
    statement = _write(counted=bool(counts), tendered=bool(tenders), quoted=used is not None)
    [row] = ask(connection, statement, values)
    return read(row.answer, Recorded)


#: The house's side of what a member spends.
_HOUSES = {POINTS: "points_spent", PRINCIPAL: "principal_spent", BONUS: "bonus_spent"}


def _quote_values(used: Used, buyer: Buyer | None, tenders: Sequence[Tender]) -> dict[str, object]:
    """What the quote adds; what of the tenders is the member's own moves in the books."""
    spent = {
        POINTS: sum(tender.points for tender in tenders),
        PRINCIPAL: sum(tender.amount_fen for tender in tenders if tender.kind == "principal"),
        BONUS: sum(tender.amount_fen for tender in tenders if tender.kind == "bonus"),
    }
    postings = [
        Posting(member_id=buyer.member_id, unit=unit, amount=-amount, house=_HOUSES[unit])
        for unit, amount in spent.items()
        if amount and buyer is not None
    ]
    return {
        "quote": used.quote_id,
        "priced_at": used.priced_at,
        "discount_fen": used.discount_fen,
        "discounts": msgspec.json.encode(used.discounts).decode(),
        "spends": msgspec.json.encode(postings).decode(),
    }


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
_WRITE = """
    WITH {before}credited AS MATERIALIZED (
        SELECT jsonb_build_object('points_after', balance_after - pending, 'pending', pending,
            'pending_from', pending_from) AS held FROM {post}),
    buyer AS MATERIALIZED (
        SELECT id FROM members WHERE id = %(member_id)s::bigint AND status = 'active' FOR SHARE),
    {counted}{used}sale AS (
        INSERT INTO sales (id, store_id, terminal_id, staff_id, member_id, ticket_id, receipt_no, amount_fen,
            points_earned, rule_id, tier_code, earned, occurred_at, business_date{columns})
        SELECT %(id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s::bigint, (SELECT id FROM buyer), %(ticket)s,
            %(receipt_no)s, %(amount_fen)s, %(points)s, %(rule_id)s::bigint, %(tier)s, %(earned)s::jsonb, %(now)s,
            %(day)s::date{values}),
    lines AS (
        INSERT INTO sale_lines (sale_id, line_no, sku, name, category, quantity, unit_price_fen, points_earned{off})
        SELECT %(id)s, line_no, sku, name, category, quantity, unit_price_fen, points_earned{off}
            FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (line_no integer, sku text, name text, category text,
                quantity integer, unit_price_fen bigint, points_earned bigint, discount_fen bigint,
                excluded_fen bigint)),
    {tendered}fact AS (
        INSERT INTO facts (kind, subject, member_id, payload, created_at)
        SELECT 'sale_completed', %(id)s, %(member_id)s::bigint, %(fact)s::jsonb || {held}, %(now)s
        WHERE %(member_id)s::bigint IS NOT NULL)
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (%(scope)s, %(key)s, %(request_hash)s, %(answer)s::jsonb || {held}, %(now)s)
    RETURNING answer"""
_CREDITED = "coalesce((SELECT held FROM credited), '{}')"
_HELD_AFTER_SPENT = f"(SELECT held FROM spent) || {_CREDITED}"  # noqa: S608  # constants of our own

# Where a rule has a daily limit: what it gives is added to what it gave, and the constraint on the row refuses the sum
# when somebody else was faster. The other sales do not pay for it.
_COUNTED = """counted AS (
        INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)
        SELECT %(member_id)s::bigint, %(day)s, rule_no, points, most
            FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (rule_no bigint, points bigint, most bigint)
        ON CONFLICT (member_id, business_date, rule_no)
            DO UPDATE SET points = earn_counts.points + excluded.points, most = excluded.most),
    """
_TENDERED = """tenders AS (
        INSERT INTO sale_tenders (sale_id, kind, amount_fen, points)
        SELECT %(id)s, kind, amount_fen, points
            FROM jsonb_to_recordset(%(tenders)s::jsonb) AS t (kind text, amount_fen bigint, points bigint)),
    """
# Spent before earned, and all accounts locked before either, in the order in which everybody takes them. A quote that
# was used or declined since the look is none: then the sale is missing, and its lines refuse to stand without it.
_SPENDS = """locked AS MATERIALIZED (
        SELECT count(*) AS accounts FROM (
            SELECT id FROM ledger_accounts WHERE member_id = %(member_id)s::bigint ORDER BY unit FOR UPDATE) a),
    moved AS MATERIALIZED (
        SELECT p.* FROM locked, LATERAL ledger_post('spend', %(source_type)s, %(source_id)s, %(source_line)s,
            %(cause_store)s, %(cause_terminal)s, %(cause_staff)s, NULL, NULL, NULL, %(cause_at)s, %(cause_day)s,
            CASE WHEN locked.accounts >= 0 THEN %(spends)s::jsonb END) p),
    spent AS MATERIALIZED (
        SELECT count(*) AS n, jsonb_strip_nulls(jsonb_build_object(
            'points_after', max(m.balance_after - m.pending) FILTER (WHERE o.unit = 'points'),
            'pending', max(m.pending) FILTER (WHERE o.unit = 'points'),
            'pending_from', max(m.pending_from) FILTER (WHERE o.unit = 'points'),
            'balance_after_fen', CASE WHEN bool_or(o.unit <> 'points')
                THEN stored_value_after(%(member_id)s::bigint, %(now)s) END)) AS held
        FROM moved m JOIN ROWS FROM (jsonb_to_recordset(%(spends)s::jsonb) AS (unit text)) WITH ORDINALITY
            AS o (unit, place) ON o.place = m.posting),
    """
# `spent` stands in its argument, so that it is not begun before what was spent has moved.
_POST_AFTER_SPENT = "spent, LATERAL {} p".format(
    post.POST.replace("%(postings)s::jsonb", "CASE WHEN spent.n >= 0 THEN %(postings)s::jsonb END")
)
_USED = """quote AS (
        UPDATE quotes SET used_at = %(now)s WHERE id = %(quote)s AND used_at IS NULL
            AND confirmation IN ('none', 'confirmed') RETURNING id),
    """


@cache
def _write(*, counted: bool, tendered: bool, quoted: bool) -> str:
    """The statement: what a sale does not need it does not pay for."""
    return _WRITE.format(
        before=_SPENDS if quoted else "",
        post=_POST_AFTER_SPENT if quoted else post.POST,
        counted=_COUNTED if counted else "",
        used=_USED if quoted else "",
        columns=", quote_id, priced_at, discount_fen, discounts" if quoted else "",
        values=", quote.id, %(priced_at)s, %(discount_fen)s, %(discounts)s::jsonb FROM quote"
        if quoted
        else "",
        off=", discount_fen, excluded_fen" if quoted else "",
        tendered=_TENDERED if tendered else "",
        held=_HELD_AFTER_SPENT if quoted else _CREDITED,
    )


def _row(
    till: Till, buyer: Buyer | None, recorded: Recorded, lines: Sequence[Line], used: Used | None
) -> dict[str, object]:
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
        "lines": _line_rows(lines, None if buyer is None else buyer.earning.shares, used),
        "fact": _fact(till, recorded),
    }


def _line_rows(lines: Sequence[Line], shares: Sequence[int] | None, used: Used | None) -> str:
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
    if used is not None:
        for row, off, excluded in zip(rows, used.line_discounts, used.excluded, strict=True):
            row |= {"discount_fen": off, "excluded_fen": excluded}
    return msgspec.json.encode(rows).decode()


def _fact(till: Till, recorded: Recorded) -> str:
    """What whoever reacts to a sale needs to know of it; what the member has afterwards joins it in the database."""
    fact = {
        "store_id": till.store_id,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
        "points_after": None,
    }
    return msgspec.json.encode(fact).decode()
