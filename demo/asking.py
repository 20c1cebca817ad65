"""A referral and a short survey that the demo's members find."""

from datetime import datetime, timedelta
from typing import Any

from app.audit import OPERATOR
from app.engagement import change
from app.engagement.change import Draft
from app.engagement.definitions import Kind, definition_of

_FEW = timedelta(days=7)


def put_on(*, today: datetime) -> None:
    """Since a week, for everybody."""
    _live(
        "referral",
        ("老带新，双方得积分", "Bring a friend: points for both"),
        {
            "inviter": {"points": 100},
            "newcomer": {"points": 50},
            "at_least_fen": 3_000,
            "window_days": 30,
            "phone_needed": False,
        },
        today - _FEW,
    )
    questions = [
        {
            "kind": "single",
            "title_zh": "您最常点什么？",
            "title_en": "What do you order most?",
            "options": [
                {"name_zh": "茶饮", "name_en": "Tea"},
                {"name_zh": "烘焙", "name_en": "Bakery"},
                {"name_zh": "礼品", "name_en": "Gifts"},
            ],
        },
        {
            "kind": "nps",
            "title_zh": "您会向朋友推荐我们吗？",
            "title_en": "Would you recommend us to a friend?",
        },
        {"kind": "text", "title_zh": "还想对我们说什么？", "title_en": "Anything else?", "required": False},
    ]
    reward = {"points": 20}
    _live(
        "survey",
        ("三个小问题", "Three short questions"),
        {"questions": questions, "reward": reward},
        today - _FEW,
    )


def _live(kind: Kind, name: tuple[str, str], what: dict[str, Any], at: datetime) -> None:
    draft = Draft(
        kind=kind,
        name_zh=name[0],
        name_en=name[1],
        starts_at=at,
        ends_at=None,
        points_most=20_000,
        coupons_most=None,
        definition=definition_of(kind, what),
    )
    made = change.create(draft=draft, actor=OPERATOR, now=at)
    change.publish(activity_id=made.id, version=1, actor=OPERATOR, now=at)
