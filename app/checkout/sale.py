"""A sale: the bill is written down, points are earned, the member will be told. All of it in one statement.

A look comes first, without locks; what it saw may change before the write. Whatever must not happen twice has its
unique key, so the second of two tills, or of two tries, fails as a whole, looks again and learns what the first did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from app import idempotency
from app.checkout.bill import Bill, Line, lines_of
from app.checkout.record import NO_MEMBER_ANY_MORE, OVER_THE_DAY, Buyer, Recorded, record
from app.checkout.shift_time import ShiftEnded, after_the_last
from app.checkout.tenders import Tender, told
from app.clock import business_date
from app.db import Busy, ask, statements
from app.errors import Conflict, Gone, NotFound
from app.points.earn import earn
from app.points.fitting import MemberFacts, StoreFacts
from app.points.loaded import STAMP, limited_by_day, rules_at
from app.staff.clerks import with_named_clerk
from app.stores.tills import TILL, Till, confirmed
from app.typed import read

#: How often a sale looks again because the member earned elsewhere in between; each time somebody else got on.
_TRIES = 30


class TicketUnknown(NotFound):
    """Not a ticket of this terminal and clerk.

    Data: `reason` `other_clerk` where the scan named a clerk and the sale another or none. A scan that named none is
    anybody's at that terminal.
    """

    code = "ticket_unknown"


class TicketExpired(Gone):
    code = "ticket_expired"


class TicketUsed(Conflict):
    code = "ticket_used"


class ReceiptNumberUsed(Conflict):
    """The store has a sale with this receipt number; a till that lost the answer repeats with the same key instead."""

    code = "receipt_no_used"


def record_sale(
    *,
    till: Till,
    ticket: str | None,
    bill: Bill,
    request: idempotency.Request,
    now: datetime,
    tenders: Sequence[Tender] = (),
) -> Recorded:
    """Commit a sale at its prices; the same key gives the same answer again. `tenders`, if told, come to its amount.

    Raises `TicketUnknown`, `TicketExpired`, `TicketUsed`, `ReceiptNumberUsed`, `LinesDoNotSum`,
    `TendersDoNotSum`, `KeyReused`, `Busy`,
    `Unauthenticated` for a till whose key was revoked a moment ago, `Forbidden` for a clerk who may not sell there;
    then nothing happened.
    """
    lines = lines_of(bill)
    paid = told(tenders, bill.amount_fen) if tenders else ()
    with statements() as connection:
        for _ in range(_TRIES):
            day = business_date(now, till.time_zone)
            look = _look(connection, till, ticket, request, day)
            if look.former is not None:
                return look.former
            if look.till.time_zone != till.time_zone:
                till = look.till
                continue
            till = with_named_clerk(connection, look.till)
            buyer = _buyer(connection, look, till, ticket, lines, day, now)
            try:
                return record(
                    connection,
                    till=till,
                    bill=bill,
                    lines=lines,
                    buyer=buyer,
                    request=request,
                    now=now,
                    tenders=paid,
                )
            except psycopg.errors.UniqueViolation as error:
                look = _look(connection, till, ticket, request, day)
                if look.former is not None:
                    return look.former
                raise refusal(error) from error
            except ShiftEnded:
                now = after_the_last(connection, till.terminal_id, now)
            except psycopg.errors.CheckViolation as error:
                if error.diag.constraint_name not in (OVER_THE_DAY, NO_MEMBER_ANY_MORE):
                    raise
    raise Busy(retry_after_s=1)


# The till, the key, the ticket with its member, and which rules there are: in one trip.
_LOOK = f"""
    SELECT here.*, f.request_hash, f.answer, k.member_id, k.expires_at, k.staff_id, k.found_by,
        k.terminal_id AS of_terminal_id,
        m.status, m.birthday, t.code AS tier, s.id IS NOT NULL AS used, {STAMP} AS stamp
    FROM (SELECT) one
    LEFT JOIN ({TILL}) here ON true
    LEFT JOIN ({idempotency.FORMER}) f ON true
    LEFT JOIN scan_tickets k ON k.id = %(ticket)s
    LEFT JOIN members m ON m.id = k.member_id
    LEFT JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN sales s ON s.ticket_id = k.id"""  # noqa: S608  # constants of our own
TAKEN = """SELECT CAST(json_object_agg(c.rule_no, c.points) AS text) AS taken FROM earn_counts c
        WHERE c.business_date = %(day)s AND c.member_id = """
# … and what rules with a daily limit gave the member today, where there are such rules.
_LOOK_TAKEN = _LOOK.replace(" AS stamp", f" AS stamp, ({TAKEN}k.member_id) AS taken")


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The till as it is now, the answer to a former try, or else what this one meets. `taken` None: was not asked."""

    till: Till
    former: Recorded | None
    row: Any
    taken: dict[int, int] | None


def _look(
    connection: psycopg.Connection[Any],
    till: Till,
    ticket: str | None,
    request: idempotency.Request,
    day: date,
) -> _Look:
    asks_taken = limited_by_day()
    values = idempotency.claim_values(request) | {
        "till_key": till.key_hash,
        "ticket": ticket,
        "day": day,
    }
    row = ask(connection, _LOOK_TAKEN if asks_taken else _LOOK, values)[0]
    return _Look(
        till=confirmed(till, row),
        former=idempotency.former(request, row.request_hash, row.answer, Recorded),
        row=row,
        taken=points_by_rule(row.taken) if asks_taken else None,
    )


def _buyer(
    connection: psycopg.Connection[Any],
    look: _Look,
    till: Till,
    ticket: str | None,
    lines: Sequence[Line],
    day: date,
    now: datetime,
) -> Buyer | None:
    """The ticket's member with what they earn; None for a sale without ticket."""
    row, taken = look.row, look.taken
    if ticket is None:
        return None
    check_ticket(row, till, now)
    rules = rules_at(connection, row.stamp)
    if taken is None and rules.limited_by_day:
        [given] = ask(connection, f"{TAKEN}%(member_id)s", {"day": day, "member_id": row.member_id})
        taken = points_by_rule(given.taken)
    earning = earn(
        rules=rules.in_force(now),
        lines=lines,
        member=MemberFacts(tier=row.tier, birthday=row.birthday),
        store=StoreFacts(id=till.store_id, time_zone=till.time_zone),
        at=now,
        taken=taken or {},
    )
    return Buyer(
        member_id=row.member_id, ticket=ticket, tier=row.tier, earning=earning, found_by=row.found_by
    )


def check_ticket(row: Any, till: Till, now: datetime) -> None:
    """Whether the ticket in the row serves a sale here. Raises `TicketUnknown`, `TicketUsed`, `TicketExpired`."""
    if row.member_id is None or row.of_terminal_id != till.terminal_id:
        raise TicketUnknown
    if row.staff_id is not None and row.staff_id != till.staff_id:
        raise TicketUnknown(reason="other_clerk")
    if row.used:
        raise TicketUsed
    if row.expires_at <= now or row.status != "active":
        raise TicketExpired


def points_by_rule(found: str | None) -> dict[int, int]:
    return {} if found is None else read(found, dict[int, int])


def refusal(error: psycopg.errors.UniqueViolation) -> Exception:
    """Two tills that passed the look together: the unique keys name the one that came second."""
    if error.diag.constraint_name == "uq_sales_store_id_receipt_no":
        return ReceiptNumberUsed()
    if error.diag.constraint_name == "uq_sales_ticket_id":
        return TicketUsed()
    return error
