"""Writing a sale down: earning, sale, lines, fact and the key's answer in one statement, one transaction, one trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line
from app.checkout.quoted import LineDiscount
from app.checkout.record_statement import statement_for
from app.checkout.shift_time import shift_may_end
from app.checkout.tenders import Tender, own_value
from app.checkout.used_coupons import UsedCoupon, coupon_values
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
    may be spent then (None: none was spent); `coupons` are those it used.
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
    coupons: tuple[UsedCoupon, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Used:
    """The quote that a sale takes: what it took off each line, by which benefit, and what of it earns nothing."""

    quote_id: str
    priced_at: datetime
    discount_fen: int
    discounts: tuple[LineDiscount, ...]
    line_discounts: Sequence[int]
    excluded: Sequence[int]
    coupons: tuple[UsedCoupon, ...] = ()


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
    sold_at: datetime | None = None,
    tenders: tuple[Tender, ...] = (),
    used: Used | None = None,
) -> Recorded:
    """`sold_at` is when it happened, unless now: its id and its day are of then, the books move now.

    Raises `UniqueViolation` for whatever has happened before, `CheckViolation` of `OVER_THE_DAY`
    and of `NO_MEMBER_ANY_MORE`, `ShiftEnded` unless `sold_at` is given; with a quote also `ForeignKeyViolation` for one
    that may not be used (any more), `NotNullViolation` of `coupon_redemptions` for a coupon that is not the member's to
    use (any more), and MC003 when the member has less than it spends.
    """
    earning = None if buyer is None else buyer.earning
    at = now if sold_at is None else sold_at
    recorded = Recorded(
        sale_id=new_id(at),
        receipt_no=bill.receipt_no,
        amount_fen=bill.amount_fen,
        points_earned=0 if earning is None else earning.points,
        points_after=None,
        business_date=business_date(at, till.time_zone),
        occurred_at=at,
        available_at=earning.available_at if earning is not None and earning.points else None,
        earned=() if earning is None else earning.parts,
        discount_fen=0 if used is None else used.discount_fen,
        tenders=tenders,
        coupons=() if used is None else used.coupons,
    )
    values = _row(till, buyer, recorded, lines, used, now)
    values |= _posting(till, buyer, recorded, now) | idempotency.answer_values(request, recorded, now)
    counts = () if earning is None else earning.counts
    if counts:
        values["counts"] = msgspec.json.encode(counts).decode()
    if tenders:
        values["tenders"] = msgspec.json.encode(tenders).decode()
    if used is not None:
        values |= _quote_values(used, buyer, tenders)
    statement = statement_for(
        counted=bool(counts),
        tendered=bool(tenders),
        quoted=used is not None,
        live=sold_at is None,
        coupons=min(2, len(recorded.coupons)),
    )
    with shift_may_end():
        [row] = ask(connection, statement, values)
    return read(row.answer, Recorded)


def _quote_values(used: Used, buyer: Buyer | None, tenders: Sequence[Tender]) -> dict[str, object]:
    """What the quote adds; what of the tenders is the member's own moves in the books."""
    postings = () if buyer is None else _spends(buyer.member_id, tenders)
    return {
        "quote": used.quote_id,
        "priced_at": used.priced_at,
        "discount_fen": used.discount_fen,
        "discounts": msgspec.json.encode(used.discounts).decode(),
        "spends": msgspec.json.encode(postings).decode(),
    } | coupon_values(used.coupons)


def _spends(member_id: int, tenders: Sequence[Tender]) -> list[Posting]:
    points = sum(tender.points for tender in tenders)
    principal_fen, bonus_fen = (
        sum(tender.amount_fen for tender in tenders if tender.kind == kind) for kind in ("principal", "bonus")
    )
    found = (
        Posting(member_id=member_id, unit=POINTS, amount=-points, house="points_spent"),
        Posting(member_id=member_id, unit=PRINCIPAL, amount=-principal_fen, house="principal_spent"),
        Posting(member_id=member_id, unit=BONUS, amount=-bonus_fen, house="bonus_spent"),
    )
    return [posting for posting in found if posting.amount]


def _posting(till: Till, buyer: Buyer | None, recorded: Recorded, now: datetime) -> dict[str, object]:
    cause = Cause(
        kind="earn",
        source_type="sale",
        source_id=recorded.sale_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        rule_id=None if buyer is None else buyer.earning.rule_id,
        occurred_at=now,
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


def _row(
    till: Till,
    buyer: Buyer | None,
    recorded: Recorded,
    lines: Sequence[Line],
    used: Used | None,
    now: datetime,
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
        "sold_at": recorded.occurred_at,
        "day": recorded.business_date,
        "lines": _line_rows(lines, None if buyer is None else buyer.earning.shares, used),
        "fact": _fact(till, buyer, recorded, now),
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


def _fact(till: Till, buyer: Buyer | None, recorded: Recorded, now: datetime) -> str:
    """What whoever reacts to a sale needs to know of it; what the member has afterwards joins it in the database.

    `sold_at` is told where it is not the time of the fact.
    """
    fact: dict[str, object] = {
        "store_id": till.store_id,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
        "points_after": None,
        **({"discount_fen": recorded.discount_fen} if recorded.discount_fen else {}),
        **own_value(recorded.tenders),
    }
    if recorded.occurred_at != now:
        fact["sold_at"] = recorded.occurred_at
    if buyer is not None and buyer.found_by == "phone":
        fact["noted"] = "by_phone"
    return msgspec.json.encode(fact).decode()
