"""Telling members that coupons of theirs were taken back: one fact for each member, however many there were.

Why is a note for the books and is told to nobody; a coupon that had ended is missed by nobody.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app.coupons.void import Voided
from app.facts.tell import tell_each

#: So many kinds of coupons are named, the most numerous first; of more, how many coupons there were in all.
MOST_NAMED = 5


def tell_recalled(session: Session, taken: Iterable[Voided], *, now: datetime) -> None:
    """By the first coupon of each member, which is taken back once."""
    of_member: dict[int, list[Voided]] = {}
    for one in taken:
        if not one.ended:
            of_member.setdefault(one.member_id, []).append(one)
    tell_each(
        session,
        "coupons_recalled",
        members={coupons[0].coupon_id: member_id for member_id, coupons in of_member.items()},
        payloads={coupons[0].coupon_id: _told(coupons) for coupons in of_member.values()},
        now=now,
    )


def _told(coupons: list[Voided]) -> dict[str, object]:
    counted = Counter((one.name_zh, one.name_en) for one in coupons)
    kinds = sorted(counted.items(), key=lambda kind: (-kind[1], kind[0]))
    named = [{"name_zh": zh, "name_en": en, "count": count} for (zh, en), count in kinds[:MOST_NAMED]]
    return {"coupons": named, "count": len(coupons), "all_named": len(kinds) <= MOST_NAMED}
