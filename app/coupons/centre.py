"""The coupon centre: what members may claim themselves, how much of it is left, and why not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.clock import HOME_ZONE, business_date
from app.coupons.explain import Names
from app.coupons.face import Face
from app.coupons.faces import these_faces
from app.coupons.issue import window
from app.coupons.wallet import names_of
from app.db import ask, statements

#: Stable words, with texts in app/texts/words_coupons.py under `coupon.claim.`.
NotClaimable = Literal["not_yet", "over", "used_up", "had", "had_today"]


@dataclass(frozen=True, kw_only=True)
class Claimable:
    """What a template gives. `left` None: as many as are wanted; `reason` None: the member may claim one now."""

    template_id: str
    face: Face
    left: int | None
    stock: int | None
    per_member: int | None
    per_member_a_day: int | None
    had: int
    claim_from: datetime | None
    claim_until: datetime | None
    reason: NotClaimable | None


@dataclass(frozen=True, kw_only=True)
class Centre:
    items: tuple[Claimable, ...]
    names: Names


_LOOK = """
    SELECT t.id, t.state, t.per_member, t.per_member_a_day, t.claim_from, t.claim_until, c.id AS face_id, s.stock,
        s.stock - s.issued AS left_over, had.*
    FROM coupon_templates t JOIN coupon_faces c ON c.template_id = t.id AND c.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS had, count(*) FILTER (WHERE h.issued_on = %(day)s) AS had_today
        FROM coupons h WHERE h.template_id = t.id AND h.issued_to = %(member_id)s) had
    WHERE """
# What is over is not shown. What a link leads to is, with the reason.
_IN_CENTRE = f"""{_LOOK} t.in_centre AND t.state = 'live' AND (t.claim_until IS NULL OR t.claim_until > %(now)s)
        AND (%(before)s::text IS NULL OR t.id < %(before)s)
    ORDER BY t.id DESC LIMIT %(limit)s"""
_BY_KEY = f"{_LOOK} t.claim_key = %(claim_key)s AND t.state IN ('live', 'stopped')"


def centre(*, member_id: int, claim_key: str | None, limit: int, before: str | None, now: datetime) -> Centre:
    """The newest first; with a claim key only what it is for, be it in the centre or not."""
    values: dict[str, object] = {
        "member_id": member_id,
        "claim_key": claim_key,
        "limit": limit,
        "before": before,
        "now": now,
    }
    values |= {"day": business_date(now, HOME_ZONE)}
    with statements() as connection:
        rows = ask(connection, _IN_CENTRE if claim_key is None else _BY_KEY, values)
        faces = these_faces(connection, (row.face_id for row in rows))
        items = tuple(_claimable(row, faces[row.face_id], now) for row in rows)
        return Centre(items=items, names=names_of(connection, (one.face for one in items)))


def _claimable(row: Any, face: Face, now: datetime) -> Claimable:
    return Claimable(
        template_id=row.id,
        face=face,
        left=row.left_over,
        stock=row.stock,
        per_member=row.per_member,
        per_member_a_day=row.per_member_a_day,
        had=row.had,
        claim_from=row.claim_from,
        claim_until=row.claim_until,
        reason=_reason(row, face, now),
    )


def _reason(row: Any, face: Face, now: datetime) -> NotClaimable | None:
    if row.claim_from is not None and now < row.claim_from:
        return "not_yet"
    if row.state != "live" or (row.claim_until is not None and row.claim_until <= now):
        return "over"
    if window(face, now)[1] <= now:
        return "over"
    if row.per_member is not None and row.had >= row.per_member:
        return "had"
    if row.per_member_a_day is not None and row.had_today >= row.per_member_a_day:
        return "had_today"
    return "used_up" if row.left_over is not None and row.left_over <= 0 else None
