"""A sale that takes a quote as it stands: what was shown is what happens, all of it in one statement, or nothing.

As in a sale at prices a look comes first, and unique keys and guarded writes decide races (docs/adr/0007).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line
from app.checkout.quoted import Priced
from app.checkout.record import NO_MEMBER_ANY_MORE, OVER_THE_DAY, Buyer, Recorded, Used, record
from app.checkout.sale import TicketExpired, TicketUsed, refusal
from app.checkout.shift_time import ShiftEnded, after_the_last
from app.checkout.tenders import Tender, told
from app.checkout.used_coupons import lost_of, used_by
from app.db import Busy, ask, statements
from app.errors import Conflict, Gone, NotFound
from app.ledger.post import POINTS, open_account
from app.points.earn import Earning
from app.staff.clerks import with_named_clerk
from app.stores.tills import TILL, Till, confirmed
from app.typed import read

_TRIES = 30
#: The table whose missing number of use refuses a sale with a coupon that is not there any more.
NO_USE_LEFT = "coupon_redemptions"


class QuoteUnknown(NotFound):
    """Not a quote of this terminal and clerk. Data as `TicketUnknown`."""

    code = "quote_unknown"


class QuoteExpired(Gone):
    code = "quote_expired"


class QuoteUsed(Conflict):
    """It has become a sale. Data: `sale_id`."""

    code = "quote_used"


class QuoteNotConfirmed(Conflict):
    """The member has not agreed on the phone. Data: `confirmation`, `pending` or `declined`."""

    code = "quote_not_confirmed"


class QuoteOutdated(Conflict):
    """The member has not any more what the quote counts on: make another one.

    Data: `what`, one of points, stored_value, points_earned; `quoted` and, where it is known, `available`. Or `what`
    coupon: `coupon` is its id and `reason` what has become of it.
    """

    code = "quote_outdated"


def commit_quote(
    *,
    till: Till,
    quote_id: str,
    receipt_no: str,
    tenders: Sequence[Tender],
    request: idempotency.Request,
    now: datetime,
) -> Recorded:
    """Commit the sale that was quoted; the same key gives the same answer again.

    `tenders` is what the till took in and comes to what the quote says is to be paid. Raises `QuoteUnknown`,
    `QuoteExpired`, `QuoteUsed`, `QuoteNotConfirmed`, `QuoteOutdated`, `TendersDoNotSum`, `TicketUsed`, `TicketExpired`
    for somebody who is no member any more, `ReceiptNumberUsed`, `KeyReused`, `Busy`, `Unauthenticated`, `Forbidden`;
    then nothing happened.
    """
    with statements() as connection:
        for _ in range(_TRIES):
            row = _look(connection, till, quote_id, request)
            former = idempotency.former(request, row.request_hash, row.answer, Recorded)
            if former is not None:
                return former
            here = with_named_clerk(connection, confirmed(till, row))
            priced = _judged(row, here, now)
            if priced.earning.points and priced.balance.amount_fen and not row.has_points:
                open_account(connection, row.member_id, POINTS)
            try:
                return _record(connection, here, row, priced, receipt_no, tenders, request, now)
            except psycopg.errors.UniqueViolation as error:
                again = _look(connection, till, quote_id, request)
                former = idempotency.former(request, again.request_hash, again.answer, Recorded)
                if former is not None:
                    return former
                raise refusal(error) from error
            except ShiftEnded:
                now = after_the_last(connection, here.terminal_id, now)
            except psycopg.errors.ForeignKeyViolation:
                continue  # used or declined meanwhile: the next look says which
            except psycopg.errors.NotNullViolation as error:
                if error.diag.table_name != NO_USE_LEFT:
                    raise
                again = _look(connection, till, quote_id, request)
                former = idempotency.former(request, again.request_hash, again.answer, Recorded)
                if former is not None:
                    return former
                _judged(again, here, now)
                _check_coupons(connection, row.member_id, priced, now, error)
                # Used by somebody else and back again: once more.
            except psycopg.errors.CheckViolation as error:
                if error.diag.constraint_name == OVER_THE_DAY:
                    raise QuoteOutdated(what="points_earned", quoted=priced.earning.points) from error
                if error.diag.constraint_name != NO_MEMBER_ANY_MORE:
                    raise
                raise TicketExpired from error
            except psycopg.Error as error:
                if error.sqlstate != "MC003":
                    raise
                raise _outdated(connection, row.member_id, priced, now) from error
    raise Busy(retry_after_s=1)


_LOOK = f"""
    SELECT here.*, f.request_hash, f.answer, q.id AS quote_id, q.terminal_id AS of_terminal_id,
        q.staff_id, q.ticket_id, q.member_id, q.created_at, q.expires_at, q.confirmation, q.used_at,
        CAST(q.priced AS text) AS priced, m.status, own.id AS own_sale, other.id AS other_sale, k.found_by,
        a.id IS NOT NULL AS has_points
    FROM (SELECT) one
    LEFT JOIN ({TILL}) here ON true
    LEFT JOIN ({idempotency.FORMER}) f ON true
    LEFT JOIN quotes q ON q.id = %(quote)s
    LEFT JOIN members m ON m.id = q.member_id
    LEFT JOIN scan_tickets k ON k.id = q.ticket_id
    LEFT JOIN sales own ON own.quote_id = q.id
    LEFT JOIN sales other ON other.ticket_id = q.ticket_id
    LEFT JOIN ledger_accounts a ON a.member_id = q.member_id AND a.unit = 'points'"""  # noqa: S608  # constants of our own


def _look(
    connection: psycopg.Connection[Any], till: Till, quote_id: str, request: idempotency.Request
) -> Any:
    values = idempotency.claim_values(request) | {"till_key": till.key_hash, "quote": quote_id}
    return ask(connection, _LOOK, values)[0]


def _judged(row: Any, till: Till, now: datetime) -> Priced:
    """What was quoted, if it may still be taken here."""
    if row.quote_id is None or row.of_terminal_id != till.terminal_id:
        raise QuoteUnknown
    if row.staff_id is not None and row.staff_id != till.staff_id:
        raise QuoteUnknown(reason="other_clerk")
    if row.used_at is not None:
        raise QuoteUsed(sale_id=row.own_sale)
    if row.other_sale is not None:
        raise TicketUsed
    if row.expires_at <= now:
        raise QuoteExpired
    if row.member_id is not None and row.status != "active":
        raise TicketExpired
    if row.confirmation not in ("none", "confirmed"):
        raise QuoteNotConfirmed(confirmation=row.confirmation)
    return read(row.priced, Priced)


def _record(
    connection: psycopg.Connection[Any],
    till: Till,
    row: Any,
    priced: Priced,
    receipt_no: str,
    tenders: Sequence[Tender],
    request: idempotency.Request,
    now: datetime,
) -> Recorded:
    lines = [
        Line(
            sku=line.sku,
            name=line.name,
            category=line.category,
            quantity=line.quantity,
            unit_price_fen=line.unit_price_fen,
        )
        for line in priced.lines
    ]
    return record(
        connection,
        till=till,
        bill=Bill(receipt_no=receipt_no, amount_fen=priced.amount_fen, lines=lines),
        lines=lines,
        buyer=_buyer(row, priced),
        request=request,
        now=now,
        tenders=(*_own(priced), *told(tenders, priced.payable_fen)),
        used=Used(
            quote_id=row.quote_id,
            priced_at=row.created_at,
            discount_fen=priced.discount_fen,
            discounts=priced.discounts,
            line_discounts=[line.discount_fen for line in priced.lines],
            excluded=[line.excluded_fen for line in priced.lines],
            coupons=used_by(priced, now),
        ),
    )


def _own(priced: Priced) -> list[Tender]:
    """What the member pays out of their own account."""
    own = [
        Tender(kind="points", amount_fen=priced.points.fen, points=priced.points.points),
        Tender(kind="bonus", amount_fen=priced.balance.bonus_fen),
        Tender(kind="principal", amount_fen=priced.balance.principal_fen),
    ]
    return [tender for tender in own if tender.amount_fen]


def _buyer(row: Any, priced: Priced) -> Buyer | None:
    if row.member_id is None:
        return None
    earning = Earning(
        points=priced.earning.points,
        shares=tuple(line.points for line in priced.lines),
        rule_id=priced.earning.rule_id,
        available_at=priced.earning.available_at,
        expires_at=priced.earning.expires_at,
        parts=priced.earning.parts,
        counts=priced.earning.counts,
    )
    assert priced.tier is not None
    return Buyer(
        member_id=row.member_id,
        ticket=row.ticket_id,
        tier=priced.tier,
        earning=earning,
        found_by=row.found_by or "code",
    )


_HAS = """
    SELECT coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'points'), 0)::bigint AS points,
        coalesce(sum(l.remaining) FILTER (WHERE a.unit <> 'points'), 0)::bigint AS stored_value
    FROM ledger_accounts a JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
    WHERE a.member_id = %(member_id)s AND l.available_at <= %(now)s
        AND (l.expires_at IS NULL OR l.expires_at > %(now)s)"""


def _check_coupons(
    connection: psycopg.Connection[Any], member_id: int, priced: Priced, now: datetime, error: Exception
) -> None:
    lost = lost_of(connection, member_id, priced, now)
    if lost is not None:
        raise QuoteOutdated(what="coupon", coupon=lost.coupon_id, reason=lost.reason) from error


def _outdated(
    connection: psycopg.Connection[Any], member_id: int, priced: Priced, now: datetime
) -> QuoteOutdated:
    """The difference between what was quoted and what there is."""
    [has] = ask(connection, _HAS, {"member_id": member_id, "now": now})
    if has.points < priced.points.points:
        return QuoteOutdated(what="points", quoted=priced.points.points, available=has.points)
    return QuoteOutdated(what="stored_value", quoted=priced.balance.amount_fen, available=has.stored_value)
