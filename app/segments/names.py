"""What a rule names has to be there: one that is mistyped would mean nobody, or with `not` everybody."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.coupons.models import CouponTemplate
from app.segments.fields.field import Named
from app.segments.models import Segment
from app.segments.rule import Rule, SegmentMalformed
from app.segments.tables import CAMPAIGNS
from app.stores.models import Store
from app.tiers.models import Tier


def check_names(session: Session, rule: Rule) -> None:
    """Raises `SegmentMalformed`. None of these is ever deleted: what is there stays."""
    named: dict[Named, set[str]] = {}
    for asked in rule.conditions():
        if asked.field.names is not None:
            named.setdefault(asked.field.names, set()).update(asked.value)
    there = {what: set(session.execute(_known(what, words)).scalars()) for what, words in named.items()}
    for asked in rule.conditions():
        if asked.field.names is None:
            continue
        for number, word in enumerate(asked.value):
            if word not in there[asked.field.names]:
                where = f"{asked.place}.value[{number}]"
                raise SegmentMalformed(reason=f"there is no such {asked.field.names} - at `{where}`")


def _known(what: Named, words: Iterable[str]) -> Select[Any]:
    match what:
        case "tier":
            return select(Tier.code).where(Tier.code.in_(words))
        case "store":
            return select(Store.code).where(Store.code.in_(words))
        case "coupon_template":
            return select(CouponTemplate.id).where(CouponTemplate.id.in_(words))
        case "list":
            return select(Segment.id).where(Segment.id.in_(words), Segment.kind == "list")
        case "campaign":
            return select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.id.in_(words))
