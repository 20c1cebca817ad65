"""Coupons given to many members at once, in some statements, in the transaction of whoever has a reason to.

First it is asked who may have them (`fitting`); then, when it is settled who gets them, they are given (`give_each`).
What others do in between makes the whole fail with `Busy`, so that nobody has less than they were told of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.coupons.face import Face, face_of
from app.coupons.issue import CouponLimitReached, CouponsUsedUp, check_limits, counted, take_stock, window
from app.db import Busy
from app.discounts.effects import AmountOff, PercentOff
from app.errors import NotFound
from app.ids import new_id

#: The template gives no more coupons; none is left; the member has had as many as they may.
Refusal = Literal["coupon_off", "used_up", "limited"]


def worth_fen(face: Face) -> int | None:
    """The most that all uses of one take off, or what they are said to be worth; None: nobody can say.

    A percentage without a most takes off whatever the bill comes to, whatever is said of it.
    """
    effect = face.effect
    if isinstance(effect, PercentOff) and effect.most_fen is None:
        return None
    most = effect.off_fen if isinstance(effect, AmountOff) else 0
    most = (effect.most_fen or 0) if isinstance(effect, PercentOff) else most
    return max(face.use_value_fen, most) * face.uses or None


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A template as it gives now: `left` in stock (None: any number), `worth_fen` of one (None: nobody can say)."""

    template_id: str
    face_id: int
    face: Face
    live: bool
    left: int | None

    @property
    def worth_fen(self) -> int | None:
        return worth_fen(self.face)


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """`last_nth`: how many of the template were issued to each who may have more; `refused`: why the others may not."""

    last_nth: Mapping[int, int]
    refused: Mapping[int, Refusal]


_OFFERED = text("""
    SELECT t.state = 'live' AS live, f.id AS face_id, f.face, s.stock - s.issued AS left
    FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id WHERE t.id = :template_id""")
# Member by member, by the index: a plan kept for short lists would compare each coupon with each member.
_HAD = text("""
    SELECT d.member_id, t.per_member, t.per_member_a_day, had.*
    FROM unnest(CAST(:member_ids AS bigint[])) AS d (member_id) JOIN coupon_templates t ON t.id = :template_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS had, count(*) FILTER (WHERE c.issued_on = :day) AS had_today,
            coalesce(max(c.nth), 0) AS last_nth
        FROM coupons c WHERE c.template_id = :template_id AND c.issued_to = d.member_id) had""")
_GIVE = text("""
    WITH given AS (
        INSERT INTO coupons (id, template_id, face_id, issued_to, member_id, nth, source, source_id, source_line,
            issued_at, issued_on, uses, valid_from, valid_until)
        SELECT d.id, :template_id, :face_id, d.member_id, d.member_id, d.last_nth + d.line + 1, :source, :source_id,
            d.line, :now, :day, :uses, :begins, :ends
        FROM unnest(CAST(:ids AS text[]), CAST(:member_ids AS bigint[]), CAST(:last_nths AS integer[]),
            CAST(:lines AS integer[])) AS d (id, member_id, last_nth, line)
        RETURNING id, member_id)
    INSERT INTO coupon_events (coupon_id, kind, member_id, at) SELECT id, 'issued', member_id, :now FROM given""")


def offered(session: Session, template_id: str, now: datetime) -> Offered:
    """Raises `NotFound`."""
    row = session.execute(_OFFERED, {"template_id": template_id}).one_or_none()
    if row is None:
        raise NotFound
    face = face_of(row.face)
    return Offered(
        template_id=template_id,
        face_id=row.face_id,
        face=face,
        live=row.live and window(face, now)[1] > now,
        left=row.left,
    )


def fitting(
    session: Session, offer: Offered, member_ids: Sequence[int], count: int, *, now: datetime
) -> Fitting:
    """Who may have `count` more, by the template and by what each has had; stock is the caller's to share out."""
    if not offer.live:
        return Fitting(last_nth={}, refused=dict.fromkeys(member_ids, "coupon_off"))
    if offer.left is not None and offer.left < count:
        return Fitting(last_nth={}, refused=dict.fromkeys(member_ids, "used_up"))
    asked = {
        "member_ids": list(member_ids),
        "template_id": offer.template_id,
        "day": business_date(now, HOME_ZONE),
    }
    last_nth: dict[int, int] = {}
    refused: dict[int, Refusal] = {}
    for row in session.execute(_HAD, asked):
        if _within(row, count):
            last_nth[row.member_id] = row.last_nth
        else:
            refused[row.member_id] = "limited"
    return Fitting(last_nth=last_nth, refused=refused)


def _within(had: Any, count: int) -> bool:
    try:
        check_limits(had, count)
    except CouponLimitReached:
        return False
    return True


def give_each(
    session: Session,
    offer: Offered,
    last_nth: Mapping[int, int],
    count: int,
    *,
    source: str,
    source_id: str,
    now: datetime,
) -> None:
    """`count` coupons to each, once for a source and a member; nobody is told of them here: the caller does.

    `last_nth` as `fitting` found it, of those who get them. Two statements, whatever their number; the stock is taken
    last. Raises `Busy` when a member was given another one since, or the stock went: all is to be tried anew.
    """
    if not last_nth:
        return
    begins, ends = window(offer.face, now)
    rows = [(member_id, nth, line) for member_id, nth in sorted(last_nth.items()) for line in range(count)]
    with counted():
        session.execute(
            _GIVE,
            {
                "template_id": offer.template_id,
                "face_id": offer.face_id,
                "source": source,
                "source_id": source_id,
                "now": now,
                "day": business_date(now, HOME_ZONE),
                "uses": offer.face.uses,
                "begins": begins,
                "ends": ends,
                "ids": [new_id(now) for _ in rows],
                "member_ids": [member_id for member_id, _, _ in rows],
                "last_nths": [nth for _, nth, _ in rows],
                "lines": [line for _, _, line in rows],
            },
        )
    try:
        take_stock(session, offer.template_id, len(rows))
    except CouponsUsedUp as error:
        raise Busy(retry_after_s=1) from error
