"""Putting a top-up into the books: principal, bonus in its parts, and points, in one transaction of the ledger.

The coupons of its offer come with it."""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.clock import business_date, start_of_day
from app.facts.tell import tell
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Cause, Posting, post
from app.points.earn import Earning
from app.points.lots import ends_at, months_later
from app.points.rules import NEVER, Expiry
from app.stored_value import coupons, offers
from app.stored_value.balance import held
from app.stored_value.earned import post_earned, work_out
from app.stored_value.models import TopUp
from app.stored_value.offers import Offer


def credit(session: Session, top_up: TopUp, *, time_zone: str, now: datetime) -> Earning:
    """Credit a top-up that the caller has locked and found not to be credited; its gift counts from the day of `now`.

    One that is made in this transaction is written here first, so that a number that is used ends it before the books.
    Answers what it earned by rules. Raises `IntegrityError` for such a number, `AlreadyPosted` should it stand in the
    books all the same: then nothing of the transaction remains.
    """
    day = business_date(now, time_zone)
    earning = work_out(session, top_up, day=day, now=now, time_zone=time_zone)
    top_up.state, top_up.credited_at = "credited", now
    session.add(top_up)
    session.flush()
    cause = Cause(
        kind="top_up",
        source_type="top_up",
        source_id=top_up.id,
        store_id=top_up.store_id,
        terminal_id=top_up.terminal_id,
        staff_id=top_up.staff_id,
        occurred_at=now,
        business_date=day,
    )
    offer = None if top_up.offer_id is None else offers.by_id(session, top_up.offer_id)
    paid = Posting(
        member_id=top_up.member_id, unit=PRINCIPAL, amount=top_up.amount_fen, house="principal_taken_in"
    )
    post(session, cause, [paid, *([] if offer is None else _gift(top_up, offer, day, time_zone))])
    post_earned(session, top_up, earning, day=day, now=now)
    coupons.give(session, top_up, offer, now=now)
    _tell(session, top_up, earning, now)
    return earning


def _tell(session: Session, top_up: TopUp, earning: Earning, now: datetime) -> None:
    """What the member's message needs; what they have afterwards is true at this moment only."""
    has = held(session, top_up.member_id, now=now)
    payload = {
        "store_id": top_up.store_id,
        "method": top_up.method,
        "amount_fen": top_up.amount_fen,
        "bonus_fen": top_up.bonus_fen,
        "bonus_to_come_fen": has.bonus_to_come_fen,
        "points": top_up.points + earning.points,
        "balance_after_fen": has.principal_fen + has.bonus_fen,
    }
    tell(session, "topped_up", subject=top_up.id, member_id=top_up.member_id, payload=payload, now=now)


def _gift(top_up: TopUp, offer: Offer, day: date, time_zone: str) -> Iterator[Posting]:
    if top_up.points:
        yield Posting(
            member_id=top_up.member_id,
            unit=POINTS,
            amount=top_up.points,
            house="points_issued",
            expires_at=ends_at(_days(offer.points_days), day, time_zone),
        )
    if top_up.bonus_fen:
        for place, part_fen in enumerate(parts(top_up.bonus_fen, offer.bonus_parts)):
            begins = months_later(day, place)
            yield Posting(
                member_id=top_up.member_id,
                unit=BONUS,
                amount=part_fen,
                house="bonus_issued",
                available_at=start_of_day(begins, time_zone) if place else None,
                expires_at=ends_at(_days(offer.bonus_days), begins, time_zone),
            )


def parts(fen: int, n: int) -> list[int]:
    """As even as whole fen allow, the larger ones first."""
    share, rest = divmod(fen, n)
    return [share + (place < rest) for place in range(n)]


def _days(n: int | None) -> Expiry:
    return NEVER if n is None else Expiry(kind="days", n=n)
