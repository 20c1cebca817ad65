"""What the demo's members find to take part in: coupons to claim, a check-in, a lottery; and what one of them did."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from app.audit import OPERATOR
from app.coupons import change_template
from app.coupons.claim import claim
from app.coupons.face import face_of
from app.coupons.template import Draft, Template
from app.coupons.terms import terms_of
from app.engagement import change, fill_form
from app.engagement.check_in import check_in
from app.engagement.fill_form import Form
from app.engagement.lottery_rounds import open_round
from app.engagement.lottery_seed import SeedVault
from app.idempotency import Request

_DAY = timedelta(days=1)
_ROUND = timedelta(days=30)
_MONTH = {"kind": "days", "days": 30}
#: Name in both languages, what it promises, who may have it. What is handed over changes no bill.
_COUPONS: tuple[tuple[tuple[str, str], dict[str, Any], dict[str, Any]], ...] = (
    (
        ("满 50 减 10", "¥10 off ¥50 or more"),
        {"effect": {"kind": "amount", "off_fen": 1_000}, "at_least_fen": 5_000},
        {"in_centre": True, "per_member": 2},
    ),
    (
        ("烘焙九折", "10 % off bakery"),
        {
            "effect": {"kind": "percent", "percent_bp": 1_000, "most_fen": 2_000},
            "conditions": {"categories": ["烘焙"]},
        },
        {"in_centre": True, "per_member": 1},
    ),
    (
        ("到店试饮一杯", "A taste of the new tea"),
        {
            "effect": {"kind": "gift", "item_zh": "试饮", "item_en": "Taster"},
            "without_sale": True,
            "use_value_fen": 300,
        },
        {"in_centre": True, "per_member": 1},
    ),
    (
        ("店员赠送五元券", "¥5 off, from the clerk"),
        {"effect": {"kind": "amount", "off_fen": 500}, "at_least_fen": 2_000},
        {"per_clerk_a_day": 5},
    ),
    (
        ("海报扫码五元券", "¥5 off, from the poster"),
        {"effect": {"kind": "amount", "off_fen": 500}, "at_least_fen": 3_000},
        {"by_link": True, "per_member": 1},
    ),
)


def hand_out_coupons(picture_id: str, *, now: datetime) -> list[str]:
    """The ids of templates that are live, in the order above; what is handed over has the picture."""
    pictured = {"picture_id": picture_id}
    return [
        _live(name, face | (pictured if face["effect"]["kind"] == "gift" else {}), terms, now)
        for name, face, terms in _COUPONS
    ]


def _live(name: tuple[str, str], face: dict[str, Any], terms: dict[str, Any], now: datetime) -> str:
    promised = face_of({"name_zh": name[0], "name_en": name[1], "validity": _MONTH} | face)
    made = change_template.create(draft=Draft(face=promised, terms=terms_of(terms)), actor=OPERATOR, now=now)
    live = change_template.submit(template_id=made.id, version=1, actor=OPERATOR, now=now)
    assert isinstance(live, Template)
    return made.id


def put_on(vault: SeedVault, *, today: datetime) -> str:
    """A check-in since a week, with days to make up, and a lottery whose round began yesterday; the check-in's id."""
    streak = {"points": 2, "seventh": 20, "make_ups_a_month": 3, "make_up_points": 5}
    daily = _put_on("check_in_streak", Form(points_most=100_000, values=streak), today - 7 * _DAY)
    ends = today - _DAY + _ROUND
    game = _put_on("lottery", Form(ends_at=ends, values={}), today - 2 * _DAY)
    open_round(
        lottery_id=game,
        starts_at=today - _DAY,
        ends_at=ends,
        vault=vault,
        actor=OPERATOR,
        now=today - 2 * _DAY,
    )
    return daily


def _put_on(code: str, form: Form, at: datetime) -> str:
    made = fill_form.make(code=code, form=form, actor=OPERATOR, now=at)
    change.publish(activity_id=made.activity.id, version=1, actor=OPERATOR, now=at)
    return made.activity.id


def take_part(member_id: int, *, daily: str, taster: str, today: datetime) -> None:
    """Two days in a row up to yesterday, so that today's is still to come; and a coupon in the pocket."""
    for days in (2, 1):
        asked = _request(member_id, f"check-in-{days}")
        check_in(member_id=member_id, activity_id=daily, request=asked, now=today - days * _DAY)
    claim(
        member_id=member_id,
        template_id=taster,
        claim_key=None,
        request=_request(member_id, "claim"),
        now=today - timedelta(hours=3),
    )


def _request(member_id: int, what: str) -> Request:
    return Request(
        scope=f"member:{member_id}", key=f"demo-{what}", hash=hashlib.sha256(what.encode()).digest()
    )
