"""Coupons to measure with: what buyers hold when a quote is asked for, and one for each sale by quote.

Templates and coupons are laid in in bulk; those that the quotes in hand count on are issued by the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, text

from app import db
from app.coupons.face import Days, Face
from app.coupons.issue import Source, issue
from app.coupons.models import CouponFace, CouponTemplate
from app.discounts.change import Draft
from app.discounts.effects import AmountOff
from app.ids import new_id
from bench import discounts

_VALIDITY = Days(days=30)


@dataclass(frozen=True, kw_only=True)
class Templates:
    """Of those that buyers hold, and the one of which each sale uses a coupon."""

    held: tuple[str, ...]
    used: str


def add_templates(now: datetime) -> Templates:
    """One for each benefit of `bench.discounts` that is a coupon, and five yuan off for the sales."""
    off = Face(
        name_zh="满减券 5 元",
        name_en="¥5 off",
        effect=AmountOff(off_fen=500),
        validity=_VALIDITY,
        priority=-20,
    )
    return Templates(
        held=tuple(add_template(_face(draft), now) for draft in discounts.as_coupons()),
        used=add_template(off, now),
    )


def _face(draft: Draft) -> Face:
    what = draft.definition
    return Face(
        name_zh=draft.name_zh,
        name_en=draft.name_en,
        effect=what.effect,  # type: ignore[arg-type]  # none of these is a special price
        validity=_VALIDITY,
        conditions=what.conditions,
        at_least_fen=what.at_least_fen,
        at_least_pieces=what.at_least_pieces,
        group=draft.group,
        alone=draft.alone,
        priority=draft.priority,
    )


def add_template(face: Face, now: datetime) -> str:
    template_id = new_id(now)
    with db.transaction() as session:
        session.execute(
            insert(CouponTemplate).values(
                id=template_id,
                version=1,
                state="live",
                face_version=1,
                per_clerk_a_day=0,
                in_centre=False,
                created_at=now,
            )
        )
        session.execute(
            insert(CouponFace).values(
                template_id=template_id, version=1, face=msgspec.to_builtins(face), created_at=now
            )
        )
    return template_id


#: As `issue` writes them; with `:template`, `:first`, `:count` and those of the shelf.
COUPONS = """
    WITH held AS (
        INSERT INTO coupons (id, template_id, face_id, issued_to, member_id, nth, source, source_id, issued_at,
            issued_on, uses, valid_from, valid_until)
        SELECT {id}, f.template_id, f.id, :first_member + n % :buyers, :first_member + n % :buyers,
            1 + (n - :first) / :buyers + (SELECT count(*) FROM coupons h
                WHERE h.template_id = f.template_id AND h.issued_to = :first_member + n % :buyers),
            'grant', {id}, :now, CAST(:now AS date), 1, :now,
            CAST(:now AS timestamptz) + interval '30 days'
        FROM generate_series(CAST(:first AS bigint), :first + :count - 1) n
        JOIN coupon_faces f ON f.template_id = :template
        RETURNING id, member_id)
    INSERT INTO coupon_events (coupon_id, kind, member_id, at) SELECT id, 'issued', member_id, :now FROM held"""
_ONE_EACH = COUPONS.format(id="'H' || lpad(CAST(:place AS text), 3, '0') || lpad(n::text, 22, '0')")


def one_each(connection: Connection, templates: Sequence[str], facts: dict[str, object]) -> None:
    """A coupon of each template for every buyer."""
    for place, template in enumerate(templates):
        own = {"template": template, "place": place, "first": 0, "count": facts["buyers"]}
        connection.execute(text(_ONE_EACH), facts | own)


def give(template: str, member_id: int, now: datetime) -> str:
    """One for a quote that will be kept."""
    with db.transaction() as session:
        [issued] = issue(
            session,
            template_id=template,
            member_id=member_id,
            source=Source(kind="grant", id=f"kept-{member_id}"),
            now=now,
        )
    return issued.coupon_id
