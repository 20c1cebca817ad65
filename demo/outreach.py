"""By which ways the demo's member of six months can be told something, and three campaigns that wait to be tried."""

import hashlib
from datetime import datetime
from typing import Any

from app import audit, idempotency
from app.audit import OPERATOR
from app.campaigns import draft
from app.db import transaction
from app.identity.phone import Bound
from app.members import emails, profile
from app.members.models import Member
from app.members.phones import PhoneVault, masked
from app.messages import templates
from app.segments import save, static_list
from app.staff.roles import Grant
from demo.configuration import NEWS, NEWS_FIELDS, OFFICIAL_NEWS, SMS_NEWS

_PHONE, _ADDRESS = "+8613800138000", "demo@example.com"
_INBOX = {
    "zh": {"title": "周末双倍积分", "body": "{name}，本周末全场消费双倍积分。"},
    "en": {
        "title": "Double points this weekend",
        "body": "{name}, every purchase this weekend earns double points.",
    },
}
_SMS = {
    "zh": {"template": SMS_NEWS, "values": ["{name}", "本周末全场双倍积分"]},
    "en": {"template": SMS_NEWS, "values": ["{name}", "double points all weekend"]},
}
_OFFICIAL = {
    "template_id": OFFICIAL_NEWS,
    "page": "pages/points/index",
    "zh": {"thing1": "周末双倍积分", "thing2": "{name}，本周末有效"},
    "en": {"thing1": "Double points", "thing2": "All weekend"},
}
_EMAIL = {
    "zh": {
        "subject": "本周末双倍积分",
        "text": "{name}，您好：\n本周末全场消费双倍积分，您现有 {points} 积分。",
    },
    "en": {
        "subject": "Double points",
        "text": "Dear {name},\ndouble points this weekend. You have {points} now.",
    },
}


def reach(member_id: int, *, vault: PhoneVault, now: datetime) -> None:
    """A number and an address of the member, a template to ask for, and drafts by SMS, the account and e-mail."""
    number = _give_addresses(member_id, vault, now)
    template = templates.Draft(
        name="活动开始提醒",
        category="marketing",
        long_term=False,
        fields=NEWS_FIELDS,
        page="pages/coupon_centre/index",
        asked_when="coupons",
        enough=2,
    )
    everywhere = (Grant("admin", None),)
    templates.add(template_id=NEWS, draft=template, receipt=None, actor=OPERATOR, grants=everywhere, now=now)
    made = save.create(kind="list", name="试发名单 Try-out list", rule=None, actor=OPERATOR, now=now)
    static_list.put_in(segment_id=made.id, numbers=[number], actor=OPERATOR, now=now)
    _draft("短信：周末双倍积分 By SMS", "sms", {"inbox": _INBOX, "sms": _SMS}, made.id, now)
    _draft(
        "公众号：周末双倍积分 By the official account",
        "official_account",
        {"inbox": _INBOX, "official": _OFFICIAL},
        made.id,
        now,
    )
    _draft("邮件：周末双倍积分 By e-mail", "email", {"inbox": _INBOX, "email": _EMAIL}, made.id, now)


def _give_addresses(member_id: int, vault: PhoneVault, now: datetime) -> str:
    """As the member would, by the code in the letter; the member's number in our books."""
    asked = idempotency.Request(scope="demo", key="demo-phone", hash=hashlib.sha256(_PHONE.encode()).digest())
    profile.bind_phone(
        member_id=member_id,
        phone=_PHONE,
        vault=vault,
        request=asked,
        answer=Bound(phone=masked(_PHONE)),
        now=now,
    )
    with transaction() as session:
        code = emails.set_address(session, session.get_one(Member, member_id), _ADDRESS, vault=vault, now=now)
    emails.confirm(member_id=member_id, code=code, vault=vault, now=now)
    with transaction() as session:
        return session.get_one(Member, member_id).member_no


def _draft(name: str, channel: str, content: dict[str, Any], segment_id: str, now: datetime) -> None:
    what = draft.Draft(
        name=name,
        audience_id=segment_id,
        excluded_ids=(),
        channel=channel,
        else_inbox=True,
        content=content,
        starts_at=None,
        drip_hours=0,
        hold_out_bp=0,
        attribution_days=7,
    )
    draft.create(draft=what, actor=audit.OPERATOR, now=now)
