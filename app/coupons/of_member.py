"""What one member was given of a template, or holds of it: where the back office finds what to take back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class CouponOfMember:
    """`state` is `held`, `used`, `ended` or `recalled`. One that was `passed_on` somebody else holds by now; one that
    came from a friend has the `source` it was issued for."""

    id: str
    state: str
    source: str
    source_id: str
    issued_at: datetime
    valid_until: datetime
    uses: int
    uses_left: int
    passed_on: bool


_LIST = text("""
    SELECT c.id, c.source, c.source_id, c.issued_at, c.valid_until, c.uses, c.uses + c.restored - c.used AS uses_left,
        c.member_id <> m.id AS passed_on,
        CASE WHEN c.state = 'void' THEN 'recalled' WHEN c.state = 'held' AND c.valid_until <= :now THEN 'ended'
            ELSE c.state END AS state
    FROM members m JOIN coupons c ON c.template_id = :template_id AND (c.member_id = m.id OR c.issued_to = m.id)
    WHERE m.member_no = :member_no AND (CAST(:before AS text) IS NULL OR c.id < :before)
    ORDER BY c.id DESC LIMIT :limit""")


def list_coupons(
    *, template_id: str, member_no: str, limit: int, before: str | None, now: datetime
) -> list[CouponOfMember]:
    """Newest first; none of a number that nobody has."""
    values = {
        "template_id": template_id,
        "member_no": member_no,
        "limit": limit,
        "before": before,
        "now": now,
    }
    with reading() as connection:
        return [CouponOfMember(**row._mapping) for row in connection.execute(_LIST, values)]
