"""Campaigns for members of the test shop, through the product's own doors."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text

from app import db
from app.audit import OPERATOR
from app.campaigns import draft, review
from app.campaigns.begin import begin
from app.campaigns.campaign import CampaignView
from app.campaigns.plan import plan_due
from app.checkout.decide import decide
from app.identity.models import MemberIdentity
from app.segments import save, static_list
from app.staff.roles import Grant
from tests.adjusting import member_no
from tests.coupons import live_template
from tests.marketing import NOON, TEMPLATE
from tests.marketing import grant as credit
from tests.shop import Phone, Shop

_people = itertools.count(1)
APP_ID = "wx-of-the-campaigns"
INBOX = {
    "zh": {"title": "周年庆", "body": "{name}，本周全场八折。"},
    "en": {"title": "Our anniversary", "body": "{name}, 20% off everything this week."},
}
WECHAT = {
    "template_id": TEMPLATE,
    "zh": {"thing1": "{tier}：本周八折"},
    "en": {"thing1": "20% off this week"},
}


def audience(people: Sequence[Phone], name: str = "名单") -> str:
    """A list of these members."""
    made = save.create(kind="list", name=name, rule=None, actor=OPERATOR, now=NOON)
    numbers = [member_no(one) for one in people]
    if numbers:
        static_list.put_in(segment_id=made.id, numbers=numbers, actor=OPERATOR, now=NOON)
    return made.id


def drafted(audience_id: str, **changed: Any) -> CampaignView:
    """By the inbox to everybody, unless it is said otherwise."""
    channel = changed.get("channel", "inbox")
    content = {"inbox": INBOX, **({"wechat": WECHAT} if channel == "wechat_subscribe" else {})}
    what = {
        "name": "周年庆",
        "audience_id": audience_id,
        "excluded_ids": (),
        "channel": channel,
        "else_inbox": False,
        "content": content,
        "starts_at": None,
        "drip_hours": 0,
        "hold_out_bp": 0,
        "attribution_days": 7,
        **changed,
    }
    return draft.create(draft=draft.Draft(**what), actor=OPERATOR, now=NOON)


def approved(shop: Shop, made: CampaignView, now: datetime = NOON) -> str:
    """One marketer asks, an admin agrees; its id."""
    nth = next(_people)
    asks = shop.person(f"asks-{nth}", Grant("marketer", None))
    agrees = shop.person(f"agrees-{nth}", Grant("admin", None))
    waiting = review.submit(campaign_id=made.id, version=made.version, staff_id=asks.id, now=now)
    assert waiting.approval_id is not None
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=agrees.id, now=now)
    return made.id


def begun(shop: Shop, people: Sequence[Phone], now: datetime = NOON, **changed: Any) -> str:
    """Agreed to, and nobody has planned anything yet."""
    return approved(shop, drafted(audience(people), **changed), now)


def coupons(count: int = 1, *, stock: int | None = None, **more: Any) -> dict[str, Any]:
    """A gift: so many of a template of ten yuan to each."""
    return {"coupon_template": live_template(NOON, stock=stock, **more), "coupons": count}


def held_out(campaign: str, people: Sequence[Phone], now: datetime = NOON) -> None:
    """It begins, and these are held out, as if it had been drawn so."""
    begin(campaign, now=now)
    with db.transaction() as session:
        drawn = "UPDATE campaign_members SET arm = 'held_out' WHERE member_id = ANY(:ids)"
        session.execute(text(drawn), {"ids": [one.member_id for one in people]})


def work(now: datetime = NOON) -> int:
    """What the worker's beat does."""
    return plan_due(app_id=APP_ID, now=now)


def by_wechat(phone: Phone, credits: int = 0) -> Phone:
    """Who can be written to there, and has so many credits."""
    with db.transaction() as session:
        session.execute(
            insert(MemberIdentity).values(
                member_id=phone.member_id,
                provider="wechat_mini",
                app_id=APP_ID,
                subject=f"openid-{phone.member_id}",
                created_at=NOON,
            )
        )
    if credits:
        credit(phone.member_id, credits)
    return phone
