"""A member claims a coupon: in the coupon centre, or by a link or picture that carries a template's claim key.

As in a sale, a look without locks comes first, and one statement writes all of it (docs/adr/0007, 0014). Whoever comes
too late is answered by the look, or by what another's has just seen, so a crowd that finds nothing left locks nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from app import idempotency
from app.clock import HOME_ZONE, business_date
from app.coupons.face import Face
from app.coupons.faces import these_faces
from app.coupons.issue import CouponNotAvailable, CouponsUsedUp, check_limits, window
from app.coupons.used_up import USED_UP
from app.db import Busy, ask, statements
from app.errors import NotFound
from app.ids import new_id

#: How often a claim looks again because another one of the same member, or a twin, was faster.
_TRIES = 10
_NEVER_OVER = "ck_coupon_stock_never_over"


@dataclass(frozen=True, kw_only=True)
class Claimed:
    coupon_id: str
    name_zh: str
    name_en: str
    valid_from: datetime
    valid_until: datetime


def claim(
    *,
    member_id: int,
    template_id: str | None,
    claim_key: str | None,
    request: idempotency.Request,
    looked_up: idempotency.LookedUp | None = None,
    now: datetime,
) -> Claimed:
    """One coupon of the template in the centre, or of the one with that claim key; the same key gives the same again.

    Of whom the key was `looked_up` before and was new, nothing is asked if what they want has just run out.

    Raises `NotFound`, `CouponNotAvailable`, `CouponLimitReached`, `CouponsUsedUp`, `KeyReused`, `Busy`.
    """
    which = claim_key or template_id or ""
    if (
        looked_up is not None
        and looked_up.answer is None
        and USED_UP.is_known(which, before_s=looked_up.at_s)
    ):
        raise CouponsUsedUp
    try:
        return _claim(member_id, template_id, claim_key, request, now)
    except CouponsUsedUp:
        USED_UP.note(which)
        raise


def _claim(
    member_id: int,
    template_id: str | None,
    claim_key: str | None,
    request: idempotency.Request,
    now: datetime,
) -> Claimed:
    with statements() as connection:
        for _ in range(_TRIES):
            former, row = _look(connection, member_id, template_id, claim_key, request, now)
            if former is not None:
                return former
            face = _claimable(connection, row, now)
            try:
                return _write(connection, row, face, member_id, request, now)
            except psycopg.errors.UniqueViolation:
                continue
            except psycopg.errors.CheckViolation as error:
                if error.diag.constraint_name != _NEVER_OVER:
                    raise
                raise CouponsUsedUp from error
    raise Busy(retry_after_s=1)


# The key, the template with what is left of it, and what the member had: in one trip, without locks.
_LOOK = f"""
    SELECT f.request_hash, f.answer, t.id AS template_id, t.state, t.per_member, t.per_member_a_day, t.claim_from,
        t.claim_until, c.id AS face_id, s.issued >= s.stock AS used_up, had.*
    FROM (SELECT) one
    LEFT JOIN ({idempotency.FORMER}) f ON true
    LEFT JOIN coupon_templates t ON {{which}} AND t.state IN ('live', 'stopped')
    LEFT JOIN coupon_faces c ON c.template_id = t.id AND c.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id
    LEFT JOIN LATERAL (
        SELECT count(*) AS had, count(*) FILTER (WHERE h.issued_on = %(day)s) AS had_today,
            coalesce(max(h.nth), 0) AS last_nth
        FROM coupons h WHERE h.template_id = t.id AND h.issued_to = %(member_id)s) had ON true"""  # noqa: S608
_IN_CENTRE = _LOOK.format(which="t.id = %(template_id)s AND t.in_centre")
_BY_KEY = _LOOK.format(which="t.claim_key = %(claim_key)s")


def _look(
    connection: psycopg.Connection[Any],
    member_id: int,
    template_id: str | None,
    claim_key: str | None,
    request: idempotency.Request,
    now: datetime,
) -> tuple[Claimed | None, Any]:
    values = idempotency.claim_values(request) | {
        "member_id": member_id,
        "template_id": template_id,
        "claim_key": claim_key,
        "day": business_date(now, HOME_ZONE),
    }
    [row] = ask(connection, _IN_CENTRE if claim_key is None else _BY_KEY, values)
    return idempotency.former(request, row.request_hash, row.answer, Claimed), row


def _claimable(connection: psycopg.Connection[Any], row: Any, now: datetime) -> Face:
    """The face that the coupon will have. Raises the refusals of `claim`."""
    if row.template_id is None:
        raise NotFound
    if row.claim_from is not None and now < row.claim_from:
        raise CouponNotAvailable(claim_from=row.claim_from)
    if row.state != "live" or (row.claim_until is not None and row.claim_until <= now):
        raise CouponNotAvailable
    check_limits(row, 1)
    if row.used_up:
        raise CouponsUsedUp
    face = these_faces(connection, [row.face_id])[row.face_id]
    if window(face, now)[1] <= now:
        raise CouponNotAvailable
    return face


# The stock last: everybody who wants one of these waits for that row, and for no longer than a commit takes. Its
# constraint refuses the whole when the last one went since the look; no row: there is no end to them.
_WRITE = """
    WITH coupon AS (
        INSERT INTO coupons (id, template_id, face_id, issued_to, nth, source, source_id, issued_at, issued_on, uses,
            valid_from, valid_until, member_id)
        VALUES (%(id)s, %(template_id)s, %(face_id)s, %(member_id)s, %(nth)s, 'claim', %(id)s, %(now)s, %(day)s,
            %(uses)s, %(valid_from)s, %(valid_until)s, %(member_id)s) RETURNING id, member_id),
    event AS (
        INSERT INTO coupon_events (coupon_id, kind, member_id, at)
        SELECT id, 'issued', member_id, %(now)s FROM coupon RETURNING id),
    answer AS (
        INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
        SELECT %(scope)s, %(key)s, %(request_hash)s, %(answer)s, %(now)s FROM coupon RETURNING key)
    UPDATE coupon_stock SET issued = issued + 1 FROM event, answer WHERE template_id = %(template_id)s"""


def _write(
    connection: psycopg.Connection[Any],
    row: Any,
    face: Face,
    member_id: int,
    request: idempotency.Request,
    now: datetime,
) -> Claimed:
    begins, ends = window(face, now)
    claimed = Claimed(
        coupon_id=new_id(now),
        name_zh=face.name_zh,
        name_en=face.name_en,
        valid_from=begins,
        valid_until=ends,
    )
    values = idempotency.answer_values(request, claimed, now) | {
        "id": claimed.coupon_id,
        "template_id": row.template_id,
        "face_id": row.face_id,
        "member_id": member_id,
        "nth": row.last_nth + 1,
        "day": business_date(now, HOME_ZONE),
        "uses": face.uses,
        "valid_from": begins,
        "valid_until": ends,
    }
    ask(connection, _WRITE, values)
    return claimed
