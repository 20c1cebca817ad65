"""The ticket of a scan, for whoever needs the member it stands for and no bill."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.sale import TicketExpired, check_ticket
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
