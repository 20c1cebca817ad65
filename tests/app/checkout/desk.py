"""A till whose stories a test runs itself, at the time it chooses: tickets, quotes, sales by quote, refunds."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import text

import scan_codes
from app import db, idempotency
from app.checkout.bill import Line
from app.checkout.pricing import Wishes
from app.checkout.quote import quote
from app.checkout.quoted import Quoted
from app.checkout.record import Recorded
from app.checkout.refund import refund
from app.checkout.refund_parts import Wanted
from app.checkout.refund_record import Refunded
from app.checkout.sale_by_quote import commit_quote
from app.checkout.scan import TICKET_LIFE
from app.checkout.tenders import Tender
from app.ids import new_secret
from app.stores.tills import Till
from tests.app.checkout.till_side import request, till_of
from tests.shop import Shop, TillClient

_STEP = timedelta(seconds=scan_codes.STEP_S)
# As `scan` writes them.
_TICKET = text("""
    WITH used AS (
        INSERT INTO code_uses (member_id, step, terminal_id, used_at) VALUES (:member_id, :step, :terminal_id, :at))
    INSERT INTO scan_tickets (id, member_id, terminal_id, staff_id, created_at, expires_at)
    VALUES (:id, :member_id, :terminal_id, NULL, :at, :expires_at)""")


@dataclass
class Desk:
    till: Till
    staff_no: str
    #: How many codes of a member were used in the moment that is: each ticket takes one, an older one each time.
    used: dict[tuple[int, int], int] = field(default_factory=dict)

    def ticket(self, member_id: int, now: datetime) -> str:
        """A ticket as of a scan some steps ago: tests need more of them than a phone shows codes."""
        step = scan_codes.step_of(now)
        while (member_id, step) in self.used:
            step -= 1
        self.used[member_id, step] = 1
        at = now - (scan_codes.step_of(now) - step) * _STEP
        assert at + TICKET_LIFE > now
        values = {
            "id": new_secret(),
            "member_id": member_id,
            "terminal_id": self.till.terminal_id,
            "step": step,
            "at": at,
            "expires_at": at + TICKET_LIFE,
        }
        with db.transaction() as session:
            session.execute(_TICKET, values)
        return str(values["id"])

    def quote(self, member_id: int | None, lines: Sequence[Line], now: datetime, **wishes: int) -> Quoted:
        ticket = None if member_id is None else self.ticket(member_id, now)
        return quote(till=self.till, ticket=ticket, lines=lines, wishes=Wishes(**wishes), now=now)

    def sell(
        self,
        quoted: Quoted,
        now: datetime,
        *,
        tenders: Sequence[Tender] = (),
        again: idempotency.Request | None = None,
    ) -> Recorded:
        return commit_quote(
            till=self.till,
            quote_id=quoted.quote_id,
            receipt_no=uuid.uuid4().hex,
            tenders=tenders,
            request=again or request(),
            now=now,
        )

    def refund(
        self,
        sale_id: str,
        now: datetime,
        quantities: Mapping[int, int] | None = None,
        *,
        again: idempotency.Request | None = None,
    ) -> Refunded:
        return refund(
            till=self.till.naming(self.staff_no),
            sale_id=sale_id,
            wanted=Wanted(quantities=quantities),
            refund_no=uuid.uuid4().hex,
            reason="returned",
            request=again or request(),
            now=now,
        )


def desk_of(shop: Shop, staff_no: str, client: TillClient | None = None) -> Desk:
    return Desk(replace(till_of(client or shop.till), proven=True), staff_no)


def line(unit_price_fen: int, quantity: int = 1, sku: str = "A", category: str = "") -> Line:
    return Line(sku=sku, name=sku, quantity=quantity, unit_price_fen=unit_price_fen, category=category)
