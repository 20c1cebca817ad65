"""A coupon is redeemed by itself: something is handed over, and nothing is sold."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app import audit, idempotency
from app.checkout.ticket import Bearer, bearer_of
from app.clock import business_date
from app.coupons import redeem
from app.coupons.face import Face, face_of
from app.coupons.offered import refusal_of
from app.coupons.redeem import CouponNotRedeemable, Place
from app.db import reading, transaction
from app.discounts import reasons
from app.discounts.effects import Gift
from app.discounts.explain import handed_over_text
from app.errors import NotFound
from app.points.fitting import StoreFacts
from app.staff.clerks import with_named_clerk
from app.stores.tills import Till

#: How long after the scan: without a quote that they have seen, the member must be there.
REDEEM_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Redemption:
    """One use of a coupon; `what_*` is what is handed over for it. `of_sale`: the sale that used it, if one did."""

    redemption_id: str
    coupon_id: str
    name_zh: str
    name_en: str
    what_zh: str
    what_en: str
    gift_sku: str
    uses_left: int
    occurred_at: datetime
    business_date: date
    of_sale: str | None = None
    undone_at: datetime | None = None


def redeem_coupon(
    *, till: Till, ticket: str, coupon_id: str, request: idempotency.Request, now: datetime
) -> Redemption:
    """Use the coupon once; the same key gives the same answer again, and another key another use, if there is one.

    The ticket stays good for a sale; once it has become one, it redeems nothing more. Raises `TicketUnknown`,
    `TicketUsed`, `TicketExpired` (also five minutes after the scan), `TicketEarnsOnly`, `NotFound` for a coupon that is
    not the member's, `CouponNotRedeemable`, `Forbidden` for a clerk who may not sell there, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Redemption)
        if former is not None:
            return former
        till = with_named_clerk(session, till)
        bearer = bearer_of(session, till, ticket, now, within=REDEEM_WITHIN)
        if bearer.coupon_id not in (None, coupon_id):
            raise NotFound
        redemption_id = _redeem(session, till, bearer, coupon_id, now)
        answer = _view(session.execute(_SHOW, {"id": redemption_id}).one())
        idempotency.remember(session, request, answer, now)
        return answer


def _redeem(session: Session, till: Till, bearer: Bearer, coupon_id: str, now: datetime) -> str:
    held, face = redeem.lock(session, coupon_id, bearer.member_id)
    store = StoreFacts(id=till.store_id, time_zone=till.time_zone)
    reason = refusal_of(held, face, bearer.facts, store, now)
    if not reason and not face.without_sale:
        reason = reasons.NEEDS_SALE
    if reason:
        raise CouponNotRedeemable(reason=reason)
    place = Place(
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        business_date=business_date(now, till.time_zone),
        now=now,
    )
    redemption_id = redeem.redeem(session, coupon_id=coupon_id, member_id=bearer.member_id, place=place)
    _note(session, till, coupon_id, redemption_id, now)
    return redemption_id


def _note(session: Session, till: Till, coupon_id: str, redemption_id: str, now: datetime) -> None:
    """Nothing was sold, so no receipt tells who did it."""
    actor = audit.Actor(type="staff", id=till.staff_id) if till.staff_id is not None else audit.SYSTEM
    audit.record(
        session,
        actor,
        "coupon.redeem",
        "coupon",
        coupon_id,
        now=now,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        redemption_id=redemption_id,
    )


_SHOW = text("""
    SELECT r.*, c.uses + c.restored - c.used AS uses_left, f.face
    FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id JOIN coupon_faces f ON f.id = c.face_id
    WHERE r.id = :id""")


def show_redemption(*, till: Till, redemption_id: str) -> Redemption:
    """A use of a coupon in the till's own store. Raises `NotFound`."""
    with reading() as connection:
        row = connection.execute(_SHOW, {"id": redemption_id}).one_or_none()
    if row is None or row.store_id != till.store_id:
        raise NotFound
    return _view(row)


def _view(row: "Row[tuple[object, ...]]") -> Redemption:
    face: Face = face_of(row.face)
    return Redemption(
        redemption_id=row.id,
        coupon_id=row.coupon_id,
        name_zh=face.name_zh,
        name_en=face.name_en,
        what_zh=handed_over_text(face.effect, "zh"),
        what_en=handed_over_text(face.effect, "en"),
        gift_sku=face.effect.sku if isinstance(face.effect, Gift) else "",
        uses_left=row.uses_left,
        occurred_at=row.occurred_at,
        business_date=row.business_date,
        of_sale=row.sale_id,
        undone_at=row.undone_at,
    )
