"""Marketing for members of the test shop, planned as a campaign would."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from app.audit import OPERATOR
from app.db import transaction
from app.messages.consent import add
from app.messages.may import Asked, Category, Channel, Verdict, may
from app.messages.models import SubscribeTemplate
from app.messages.plan import Planned, plan_each
from app.messages.policy import MessagePolicy
from app.policies import change, in_force, standing

#: Where members of the test shop have their identity.
APP = {"provider": "telegram", "app_id": "123456789"}
TEMPLATE = "sale-of-the-week"
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)  # in Shanghai


def policy(**value: Any) -> None:
    """In force from now on; what is not named has its default."""
    change(kind=MessagePolicy, value=value, version=standing(MessagePolicy).version, actor=OPERATOR, now=NOON)


def asked(
    channel: Channel = "inbox",
    category: Category = "marketing",
    at: datetime = NOON,
    template_id: str | None = None,
) -> Asked:
    return Asked(channel=channel, category=category, at=at, template_id=template_id, **APP)


def verdict(member_id: int, what: Asked) -> Verdict:
    with transaction() as session:
        return may(session, member_id, what, in_force(session, MessagePolicy).value)


def plan(
    member_ids: Sequence[int], what: Asked, subject: str = "campaign:1", *, wait: bool = True
) -> Planned:
    with transaction() as session:
        return plan_each(
            session, member_ids, what, kind="promotion", subject=subject, params={}, now=what.at, wait=wait
        )


def template(template_id: str = TEMPLATE, **changed: Any) -> str:
    """A template of class marketing that is asked for with coupons."""
    row = {
        "template_id": template_id,
        "name": "活动通知",
        "category": "marketing",
        "long_term": False,
        "fields": [{"key": "thing1", "label": "活动"}],
        "page": "pages/coupon_centre/index",
        "asked_when": "coupons",
        "enough": 3,
        "created_at": NOON,
        **changed,
    }
    with transaction() as session:
        session.execute(insert(SubscribeTemplate).values(**row))
    return template_id


def grant(member_id: int, credits: int, template_id: str = TEMPLATE) -> None:
    with transaction() as session:
        source = f"grant:{member_id}:{template_id}:{credits}"
        add(session, member_id, template_id, credits, cause="accepted", source=source, now=NOON)
