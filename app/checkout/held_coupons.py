"""What coupons the member at the till holds, and which can be used there, before anything is rung up."""

from dataclasses import dataclass
from datetime import datetime

from app.checkout.ticket import bearer_of
from app.coupons.face import face_of
from app.coupons.offered import benefits_of, refusal_of, row_of
from app.db import ask, transaction
from app.discounts.explain import effect_text, handed_over_text
from app.points.fitting import StoreFacts
from app.staff.clerks import with_named_clerk
from app.stores.tills import Till


@dataclass(frozen=True, kw_only=True)
class HeldCoupon:
    """`what_*` is what it takes off or gives, `handed_*` what one gets for it without a bill.

    `reason` is why it cannot be used here and now, whatever is bought; empty: it can. `without_sale`: a till may redeem
    it by itself.
    """

    coupon_id: str
    name_zh: str
    name_en: str
    what_zh: str
    what_en: str
    handed_zh: str
    handed_en: str
    valid_from: datetime
    valid_until: datetime
    uses_left: int
    without_sale: bool
    reason: str


_HELD = """
    SELECT c.id, c.template_id, c.face_id, c.valid_from, c.valid_until, c.uses + c.restored - c.used AS uses_left,
        c.state, f.face
    FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
    WHERE c.member_id = %(member_id)s AND c.state = 'held' AND c.valid_until > %(now)s
        AND (%(only)s::text IS NULL OR c.id = %(only)s) AND (%(after)s::text IS NULL OR c.id < %(after)s)
    ORDER BY c.id DESC LIMIT %(limit)s"""


def coupons_at_hand(
    *, till: Till, ticket: str, limit: int, after: str | None, now: datetime
) -> list[HeldCoupon]:
    """Those of the ticket's member that have not ended, the newest first; a coupon's own code shows that one alone.

    Raises `TicketUnknown`, `TicketUsed`, `TicketExpired`, `TicketEarnsOnly`.
    """
    with transaction() as session:
        bearer = bearer_of(session, with_named_clerk(session, till), ticket, now)
        values = {"member_id": bearer.member_id, "only": bearer.coupon_id, "after": after}
        rows = ask(session, _HELD, values | {"now": now, "limit": limit})
    store = StoreFacts(id=till.store_id, time_zone=till.time_zone)
    found = []
    for row in rows:
        held, face = row_of(row), face_of(row.face)
        [benefit] = benefits_of([held], {held.face_id: face}, bearer.facts, store, now)
        found.append(
            HeldCoupon(
                coupon_id=held.coupon_id,
                name_zh=face.name_zh,
                name_en=face.name_en,
                what_zh=effect_text(benefit, "zh"),
                what_en=effect_text(benefit, "en"),
                handed_zh=handed_over_text(face.effect, "zh"),
                handed_en=handed_over_text(face.effect, "en"),
                valid_from=held.valid_from,
                valid_until=held.valid_until,
                uses_left=held.uses_left,
                without_sale=face.without_sale,
                reason=refusal_of(held, face, bearer.facts, store, now),
            )
        )
    return found
