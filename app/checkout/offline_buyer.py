"""Whose code a till scanned without network, and what they earn by what held when they bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from app.checkout.bill import Line
from app.checkout.offline_item import Refused, Scan
from app.checkout.record import Buyer
from app.checkout.scan import TICKET_LIFE
from app.clock import business_date
from app.db import ask
from app.ids import new_secret
from app.points.earn import earn
from app.points.fitting import MemberFacts, StoreFacts
from app.points.loaded import STAMP, rules_at
from app.stores.tills import Till
from scan_codes import Verified


@dataclass(frozen=True, kw_only=True)
class Comer:
    """A member whose code was good. `ticket` is that of this till's own scan, None where the code is still free."""

    member_id: int
    step: int
    tier: str
    birthday: date | None
    stamp: int
    ticket: str | None


# The tier is that of then, whatever became of the member since. A use of the code counts as this till's own scan if its
# ticket is there; of several at one instant the one that is still good.
_LOOK = f"""
    SELECT m.id, m.status, m.codes_valid_from_step, m.birthday, {STAMP} AS stamp, coalesce(
            (SELECT c.to_tier FROM tier_changes c WHERE c.member_id = m.id AND c.at <= %(sold_at)s
                ORDER BY c.seq DESC LIMIT 1),
            (SELECT c.from_tier FROM tier_changes c WHERE c.member_id = m.id ORDER BY c.seq LIMIT 1),
            t.code) AS tier,
        u.step IS NOT NULL AS used, k.id AS ticket, k.staff_id, k.expires_at, s.id IS NOT NULL AS spent
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN code_uses u ON u.member_id = m.id AND u.step = %(step)s
    LEFT JOIN scan_tickets k ON k.expires_at = u.used_at + %(ticket_life)s AND k.member_id = m.id
        AND k.terminal_id = %(terminal_id)s
    LEFT JOIN sales s ON s.ticket_id = k.id
    WHERE m.id = %(member_id)s ORDER BY spent LIMIT 1"""  # noqa: S608  # a constant of our own


def come(driver: psycopg.Connection[Any], till: Till, verified: Verified, sold_at: datetime) -> Comer:
    """The member, if the code may be used by this till for a sale of that time.

    A code that was used is a replay, with one exception: this very till and clerk scanned it while there was network,
    and the sale came after; then the ticket is there, and the sale uses it up. Raises `Refused`.
    """
    values = {
        "member_id": verified.member_no,
        "step": verified.step,
        "terminal_id": till.terminal_id,
        "ticket_life": TICKET_LIFE,
        "sold_at": sold_at,
    }
    rows = ask(driver, _LOOK, values)
    if not rows:
        raise Refused("code_forged")
    [row] = rows
    if verified.step < row.codes_valid_from_step:
        raise Refused("code_revoked")
    if row.status != "active":
        raise Refused("member_not_active")
    if row.used:
        _check_ticket(row, till, sold_at)
    return Comer(
        member_id=row.id,
        step=verified.step,
        tier=row.tier,
        birthday=row.birthday,
        stamp=row.stamp,
        ticket=row.ticket,
    )


def _check_ticket(row: Any, till: Till, sold_at: datetime) -> None:
    if row.ticket is None or row.spent or row.staff_id != till.staff_id:
        raise Refused("code_replayed")
    if sold_at >= row.expires_at:
        raise Refused("sold_outside_scan")


_TAKEN = """
    SELECT rule_no, points FROM earn_counts WHERE member_id = %(member_id)s AND business_date = %(day)s"""


def buyer_of(
    driver: psycopg.Connection[Any], till: Till, comer: Comer, lines: Sequence[Line], sold_at: datetime
) -> Buyer:
    """With what they earn by the rules in force at `sold_at`; daily limits are those of that day."""
    rules = rules_at(driver, comer.stamp)
    taken = {}
    if rules.limited_by_day:
        day = business_date(sold_at, till.time_zone)
        found = ask(driver, _TAKEN, {"member_id": comer.member_id, "day": day})
        taken = {row.rule_no: row.points for row in found}
    earning = earn(
        rules=rules.in_force(sold_at),
        lines=lines,
        member=MemberFacts(tier=comer.tier, birthday=comer.birthday),
        store=StoreFacts(id=till.store_id, time_zone=till.time_zone),
        at=sold_at,
        taken=taken,
    )
    ticket = comer.ticket or new_secret()
    return Buyer(member_id=comer.member_id, ticket=ticket, tier=comer.tier, earning=earning)


# As a live scan would have left it, at the time of the scan. The key of `code_uses` refuses whoever comes second.
_TAKE = """
    WITH use AS (
        INSERT INTO code_uses (member_id, step, terminal_id, used_at)
        VALUES (%(member_id)s, %(step)s, %(terminal_id)s, %(scanned_at)s))
    INSERT INTO scan_tickets (id, member_id, terminal_id, staff_id, created_at, expires_at)
    VALUES (%(ticket)s, %(member_id)s, %(terminal_id)s, %(staff_id)s::bigint, %(scanned_at)s, %(expires_at)s)"""


def take(driver: psycopg.Connection[Any], till: Till, scan: Scan, comer: Comer, buyer: Buyer) -> None:
    """Use the code up, unless the till's own scan did. Raises `UniqueViolation` if somebody was faster."""
    if comer.ticket is not None:
        return
    values = {
        "member_id": comer.member_id,
        "step": comer.step,
        "terminal_id": till.terminal_id,
        "staff_id": till.staff_id,
        "ticket": buyer.ticket,
        "scanned_at": scan.at,
        "expires_at": scan.at + TICKET_LIFE,
    }
    ask(driver, _TAKE, values)
