"""The ticket of a scan, for whoever needs the member it stands for and no bill."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.sale import TicketExpired, TicketUnknown, check_ticket
from app.db import ask
from app.points.fitting import MemberFacts
from app.stores.tills import Till


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """The member; of a coupon's own code, `coupon_id` is the one they showed."""

    member_id: int
    coupon_id: str | None
    facts: MemberFacts


_TICKET = """
    SELECT k.member_id, k.created_at, k.expires_at, k.staff_id, k.found_by, k.coupon_id,
        k.terminal_id AS of_terminal_id, m.status, m.birthday, t.code AS tier, s.id IS NOT NULL AS used
    FROM (SELECT) one
    LEFT JOIN scan_tickets k ON k.id = %(ticket)s
    LEFT JOIN members m ON m.id = k.member_id
    LEFT JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN sales s ON s.ticket_id = k.id"""


def bearer_of(
    session: Session, till: Till, ticket: str, now: datetime, *, within: timedelta | None = None
) -> Bearer:
    """Whose the ticket is. Raises `TicketUnknown`, `TicketUsed` by a sale, `TicketExpired`, also for one that is older
    than `within`, `TicketEarnsOnly` for somebody found by phone.
    """
    [row] = ask(session, _TICKET, {"ticket": ticket})
    check_ticket(row, till, now)
    if row.found_by == "phone":
        raise TicketEarnsOnly
    if within is not None and row.created_at + within <= now:
        raise TicketExpired
    return Bearer(
        member_id=row.member_id,
        coupon_id=row.coupon_id,
        facts=MemberFacts(tier=row.tier, birthday=row.birthday),
    )


@dataclass(frozen=True, kw_only=True)
class Present:
    """A member who has shown their own code."""

    member_id: int
    member_no: str


# The member's row is only shared, as by a sale: a withdrawal under way is waited for, a later one waits.
_PRESENT = text("""
    SELECT k.member_id, k.expires_at, k.found_by, k.staff_id, m.member_no, m.status
    FROM scan_tickets k JOIN members m ON m.id = k.member_id
    WHERE k.id = :ticket AND k.terminal_id = :terminal_id
    FOR SHARE OF m""")


def present(session: Session, till: Till, ticket: str, now: datetime) -> Present:
    """Who is there, whatever became of the ticket since; a number that somebody told proves nothing.

    Raises `TicketUnknown`, `TicketExpired`, `TicketEarnsOnly`.
    """
    values = {"ticket": ticket, "terminal_id": till.terminal_id}
    scanned = session.execute(_PRESENT, values).one_or_none()
    if scanned is None:
        raise TicketUnknown
    if scanned.staff_id is not None and scanned.staff_id != till.staff_id:
        raise TicketUnknown(reason="other_clerk")
    if scanned.found_by != "code":
        raise TicketEarnsOnly
    if scanned.expires_at <= now or scanned.status != "active":
        raise TicketExpired
    return Present(member_id=scanned.member_id, member_no=scanned.member_no)
