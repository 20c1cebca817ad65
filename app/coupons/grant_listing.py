"""How a grant stands: of all its members, and of each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text

from app.coupons.template_listing import VISIBLE
from app.db import reading
from app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class GrantView:
    """`state` is `waiting` for a second person, `open` while members are left, `done`, or `closed` without effect."""

    id: str
    template_id: str
    state: str
    count: int
    reason: str
    approval_id: str | None
    requested_by: str
    created_at: datetime
    members: int
    issued: int
    refused: int
    left: int


@dataclass(frozen=True, kw_only=True)
class GrantMemberView:
    """`refusal` is the code of what stood against it, `place` the row of the list, from 1. Who was named by phone
    number has a `member_no` once theirs is issued. `uses_left` and `valid_through` as they were named."""

    place: int
    member_no: str | None
    uses_left: int | None
    valid_through: date | None
    state: str
    refusal: str | None
    coupon_ids: list[str]


_GRANT = text(f"""
    SELECT g.id, g.template_id, CASE WHEN g.state = 'waiting' AND NOT (r.state = 'pending' AND r.expires_at > :now)
            THEN 'closed' ELSE g.state END AS state,
        g.count, g.reason, g.approval_id, a.staff_no AS requested_by, g.created_at, n.*
    FROM coupon_grants g JOIN coupon_templates t ON t.id = g.template_id
    JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    JOIN staff a ON a.id = g.requested_by LEFT JOIN approval_requests r ON r.id = g.approval_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS members, count(*) FILTER (WHERE m.state = 'issued') AS issued,
            count(*) FILTER (WHERE m.state = 'refused') AS refused, count(*) FILTER (WHERE m.state = 'left') AS left
        FROM coupon_grant_members m WHERE m.grant_id = g.id) n
    WHERE g.id = :id AND {VISIBLE}""")  # noqa: S608  # constants of our own
_MEMBERS = text("""
    SELECT m.place, coalesce(m.member_no, CASE WHEN m.state = 'issued' THEN k.member_no END) AS member_no,
        m.uses AS uses_left, m.valid_through, m.state, m.refusal,
        coalesce(c.ids, ARRAY[]::text[]) AS coupon_ids
    FROM coupon_grant_members m LEFT JOIN members k ON k.id = m.member_id LEFT JOIN LATERAL (
        SELECT array_agg(c.id::text ORDER BY c.source_line) AS ids FROM coupons c
        WHERE m.state = 'issued' AND c.source = 'grant' AND c.source_id = m.grant_id AND c.issued_to = m.member_id) c
        ON true
    WHERE m.grant_id = :id AND m.place > :after ORDER BY m.place LIMIT :limit""")


def show(*, grant_id: str, store_ids: Collection[int] | None, now: datetime) -> GrantView:
    """Raises `NotFound`, also for one whose template is of other stores than the given (None: all)."""
    values = {"id": grant_id, "stores": None if store_ids is None else sorted(store_ids), "now": now}
    with reading() as connection:
        row = connection.execute(_GRANT, values).one_or_none()
    if row is None:
        raise NotFound
    return GrantView(**row._mapping)


def members(*, grant_id: str, limit: int, after: int | None) -> list[GrantMemberView]:
    """In the order in which they were named."""
    with reading() as connection:
        rows = connection.execute(_MEMBERS, {"id": grant_id, "limit": limit, "after": after or 0})
        return [GrantMemberView(**row._mapping) for row in rows]
