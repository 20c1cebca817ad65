"""Giving a member coupons of a template: for what is the caller's affair, limits and stock are kept here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date, start_of_day
from app.coupons.face import Between, Face, face_of
from app.coupons.models import Coupon, CouponEvent
from app.coupons.remainder import WHOLE, Remainder, fitted
from app.db import Busy, into
from app.errors import Conflict, NotFound
from app.facts.tell import tell
from app.ids import new_id
from app.points.lots import valid_through


class CouponNotAvailable(Conflict):
    """The template is not live, what it gives has ended, or claims have not begun. Data: `claim_from`, if they will."""

    code = "coupon_not_available"


class CouponsUsedUp(Conflict):
    """As many are out as there were."""

    code = "coupons_used_up"


class CouponLimitReached(Conflict):
    """The member has had as many as they may. Data: `limit`, and `per`, `member` or `day`."""

    code = "coupon_limit_reached"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What coupons are given for; a member gets those of one source once."""

    kind: str
    id: str
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Issued:
    coupon_id: str
    valid_from: datetime
    valid_until: datetime


def issue(
    session: Session,
    *,
    template_id: str,
    member_id: int,
    count: int = 1,
    source: Source,
    now: datetime,
    granted_by: int | None = None,
    store_id: int | None = None,
    left: Remainder = WHOLE,
    silently: bool = False,
) -> tuple[Issued, ...]:
    """`count` coupons, or none of them; those of the same source a second time are the same ones.

    Lines of the source from its own on are taken up, one for each coupon. Of two for one member at once the second
    waits, and counts what the first has done. Each has what is `left`. The member is told, unless `silently`: by a
    caller who tells of more than the coupons. What members claim themselves is issued by app/coupons/claim.py.

    Raises `NotFound`, `CouponNotAvailable`, `CouponLimitReached`, `CouponsUsedUp`, `CouponUsesOutOfRange`,
    `CouponEndOutOfRange`; `Busy` when the member claims one in this very moment, which waits for nobody.
    """
    day = business_date(now, HOME_ZONE)
    session.execute(_ONE_AT_A_TIME, {"words": f"coupon {template_id} {member_id}"})
    former = _former(session, template_id, member_id, source, count)
    if former:
        return former
    row = _look(session, template_id, member_id, day)
    check_limits(row, count)
    face = face_of(row.face)
    begins, ends = window(face, now)
    if row.state != "live" or ends <= now:
        raise CouponNotAvailable
    uses, ends = fitted(left, uses=face.uses, window=(begins, ends), now=now)
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(now),
            "template_id": template_id,
            "face_id": row.face_id,
            "issued_to": member_id,
            "member_id": member_id,
            "nth": row.last_nth + place + 1,
            "source": source.kind,
            "source_id": source.id,
            "source_line": source.line + place,
            "granted_by": granted_by,
            "store_id": store_id,
            "issued_at": now,
            "issued_on": day,
            "uses": uses,
            "valid_from": begins,
            "valid_until": ends,
        }
        for place in range(count)
    ]
    _insert(session, rows)
    session.execute(into(CouponEvent), [_event(coupon, now) for coupon in rows])
    if not silently:
        tell_of(session, rows, face, now)
    take_stock(session, template_id, count)
    return tuple(Issued(coupon_id=coupon["id"], valid_from=begins, valid_until=ends) for coupon in rows)


def window(face: Face, now: datetime) -> tuple[datetime, datetime]:
    """From when until when a coupon is good that is issued now."""
    if isinstance(face.validity, Between):
        return face.validity.begins_at, face.validity.ends_at
    first = business_date(now, HOME_ZONE) + timedelta(days=face.validity.after_days)
    begins = now if face.validity.after_days == 0 else start_of_day(first, HOME_ZONE)
    return begins, start_of_day(first + timedelta(days=face.validity.days), HOME_ZONE)


_NTH = "uq_coupons_template_id_issued_to_nth"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:words, 0))")
_FORMER = text("""
    SELECT id, valid_from, valid_until FROM coupons
    WHERE source = :source AND source_id = :source_id AND template_id = :template_id AND issued_to = :member_id
        AND source_line >= :first AND source_line < :behind ORDER BY source_line""")
_LOOK = text("""
    SELECT t.state, t.per_member, t.per_member_a_day, f.id AS face_id, f.face, had.*
    FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    CROSS JOIN LATERAL (
        SELECT count(*) AS had, count(*) FILTER (WHERE c.issued_on = :day) AS had_today,
            coalesce(max(c.nth), 0) AS last_nth
        FROM coupons c WHERE c.template_id = t.id AND c.issued_to = :member_id) had
    WHERE t.id = :template_id""")
# Whether there is a stock is asked only here: once the coupons point at the template, nobody gives it one or takes it.
_TAKE = text("""
    WITH taken AS (UPDATE coupon_stock SET issued = issued + :count
        WHERE template_id = :template_id AND issued + :count <= stock RETURNING 1)
    SELECT NOT EXISTS (SELECT FROM taken) AND EXISTS (SELECT FROM coupon_stock WHERE template_id = :template_id)""")


def take_stock(session: Session, template_id: str, count: int) -> None:
    """Last: everybody who wants one of these waits here. Raises `CouponsUsedUp`."""
    if session.execute(_TAKE, {"template_id": template_id, "count": count}).scalar_one():
        raise CouponsUsedUp


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    with counted():
        session.execute(into(Coupon), rows)


@contextmanager
def counted() -> Iterator[None]:
    """Raises `Busy` when the member was given another one since theirs were counted."""
    try:
        yield
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) == _NTH:
            raise Busy(retry_after_s=1) from error
        raise


def _former(
    session: Session, template_id: str, member_id: int, source: Source, count: int
) -> tuple[Issued, ...]:
    values = {
        "source": source.kind,
        "source_id": source.id,
        "template_id": template_id,
        "member_id": member_id,
        "first": source.line,
        "behind": source.line + count,
    }
    return tuple(
        Issued(coupon_id=row.id, valid_from=row.valid_from, valid_until=row.valid_until)
        for row in session.execute(_FORMER, values)
    )


def _look(session: Session, template_id: str, member_id: int, day: date) -> Any:
    row = session.execute(
        _LOOK, {"template_id": template_id, "member_id": member_id, "day": day}
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def check_limits(row: Any, count: int) -> None:
    """Whether the member may have so many more, after what the row counted. Raises `CouponLimitReached`."""
    if row.per_member is not None and row.had + count > row.per_member:
        raise CouponLimitReached(limit=row.per_member, per="member")
    if row.per_member_a_day is not None and row.had_today + count > row.per_member_a_day:
        raise CouponLimitReached(limit=row.per_member_a_day, per="day")


def tell_of(session: Session, coupons: Sequence[Mapping[str, Any]], face: Face, now: datetime) -> None:
    """For the member's inbox: the names as they were, and the last day by the chain's calendar."""
    first = coupons[0]
    tell(
        session,
        "coupons_issued",
        subject=first["id"],
        member_id=first["member_id"],
        payload={
            "name_zh": face.name_zh,
            "name_en": face.name_en,
            "count": len(coupons),
            "valid_through": valid_through(first["valid_until"], HOME_ZONE).isoformat(),
        },
        now=now,
    )


def _event(coupon: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "coupon_id": coupon["id"],
        "kind": "issued",
        "member_id": coupon["member_id"],
        "staff_id": coupon["granted_by"],
        "store_id": coupon["store_id"],
        "at": now,
    }
