"""Whether a member could be issued a coupon now, for whoever shows it before: what `issue` would refuse."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE, business_date
from app.coupons.face import face_of
from app.coupons.issue import window


@dataclass(frozen=True, kw_only=True)
class Obtainable:
    """`left` of the stock and `more` for this member, None: any number. `closed`: nobody is issued any now, and why."""

    closed: Literal["not_yet", "over"] | None
    left: int | None
    more: int | None


_LOOK = text("""
    SELECT t.id, t.state, t.per_member, t.per_member_a_day, f.face, s.stock - s.issued AS left_over, had.*
    FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS had, count(*) FILTER (WHERE c.issued_on = :day) AS had_today
        FROM coupons c WHERE c.template_id = t.id AND c.issued_to = :member_id) had
    WHERE t.id = ANY(:ids)""")


def obtainable(
    connection: Connection, template_ids: Collection[str], *, member_id: int, now: datetime
) -> Mapping[str, Obtainable]:
    """Of each of the templates, in one statement."""
    values = {"ids": list(template_ids), "member_id": member_id, "day": business_date(now, HOME_ZONE)}
    return {row.id: _obtainable(row, now) for row in connection.execute(_LOOK, values)}


def _obtainable(row: Any, now: datetime) -> Obtainable:
    limits = ((row.per_member, row.had), (row.per_member_a_day, row.had_today))
    return Obtainable(
        closed=_closed(row, now),
        left=row.left_over,
        more=min((max(0, limit - had) for limit, had in limits if limit is not None), default=None),
    )


def _closed(row: Any, now: datetime) -> Literal["not_yet", "over"] | None:
    if row.state in ("draft", "in_review"):
        return "not_yet"
    return "over" if row.state != "live" or window(face_of(row.face), now)[1] <= now else None
