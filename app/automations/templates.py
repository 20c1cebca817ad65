"""Ready drafts for what most shops do. They can be made as they are, but for the id of a template of coupons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Nine in the morning and noon, where the day begins at midnight.
_NINE, _NOON = 540, 720


@dataclass(frozen=True, kw_only=True)
class Template:
    """`to_fill` are the places of `draft` in which an id has to be filled in first."""

    code: str
    name_zh: str
    name_en: str
    draft: Mapping[str, Any]
    to_fill: tuple[str, ...] = ()


def _template(
    code: str,
    names: tuple[str, str],
    trigger: Mapping[str, Any],
    zh: tuple[str, str],
    en: tuple[str, str],
    **changed: Any,
) -> Template:
    message = {
        "channel": "inbox",
        "else_inbox": False,
        "content": {"inbox": {"zh": {"title": zh[0], "body": zh[1]}, "en": {"title": en[0], "body": en[1]}}},
    }
    coupon = {"coupon": {"template": "", "count": 1}} if changed.pop("coupon", False) else {}
    draft = {
        "name": names[0],
        "trigger": trigger,
        "segment": None,
        "actions": {"message": message, **coupon},
        "once": "occasion",
        "once_days": None,
        "delay_minutes": 0,
        "max_runs": 1_000 if coupon else None,
        "attribution_days": 14,
        **changed,
    }
    to_fill = ("actions.coupon.template",) if coupon else ()
    return Template(code=code, name_zh=names[0], name_en=names[1], draft=draft, to_fill=to_fill)


TEMPLATES = (
    _template(
        "welcome",
        # The welcome itself is told to everybody, with what is given for joining.
        ("入会次日问候", "A word the day after joining"),
        {"kind": "joined"},
        ("会员码怎么用", "{name}，结账时出示会员码，就能积分和用券。期待您的光临！"),
        ("Your member code", "Hi {name}! Show your member code when you pay to earn points and use coupons."),
        once="ever",
        delay_minutes=1_440,
    ),
    _template(
        "first_order_thanks",
        ("首单感谢", "Thanks for the first purchase"),
        {"kind": "first_purchase"},
        ("感谢您的光临", "{name}，感谢您的第一次光临！送您一张优惠券，下次来店可用。"),
        ("Thank you", "Thank you for your first visit, {name}! Here is a coupon for the next one."),
        once="ever",
        delay_minutes=60,
        coupon=True,
    ),
    _template(
        "win_back",
        ("久未到店", "Win back"),
        {"kind": "no_visit", "days": 60},
        ("好久不见", "{name}，好久不见！送您一张优惠券，欢迎回来看看。"),
        ("We miss you", "It has been a while, {name}. Here is a coupon for your next visit."),
        once="days",
        once_days=90,
        delay_minutes=_NOON,
        coupon=True,
    ),
    _template(
        "birthday",
        ("生日祝福", "Birthday greeting"),
        {"kind": "birthday", "days": 0},
        ("生日快乐", "{name}，祝您生日快乐，天天好心情！"),
        ("Happy birthday", "Happy birthday, {name}! Have a wonderful day."),
        delay_minutes=_NINE,
    ),
    _template(
        "points_ending",
        ("积分到期提醒", "Points expire soon"),
        {"kind": "points_ending", "days": 7, "at_least": 100},
        ("积分即将到期", "{name}，您有积分将在 7 天后到期，可抵现或兑换礼品，别错过。"),
        (
            "Points expire soon",
            "{name}, some of your points expire in 7 days. Pay with them or choose a reward.",
        ),
        delay_minutes=_NINE,
    ),
    _template(
        "coupon_ending",
        ("优惠券到期提醒", "Coupon expires soon"),
        {"kind": "coupon_ending", "days": 3},
        ("优惠券即将到期", "{name}，您有优惠券 3 天后到期，记得来店使用。"),
        ("A coupon expires soon", "{name}, a coupon of yours expires in 3 days. Come and use it."),
        once="days",
        once_days=3,
        delay_minutes=_NINE,
    ),
    _template(
        "bonus_ending",
        ("赠金到期提醒", "Bonus expires soon"),
        {"kind": "bonus_ending", "days": 7, "at_least_fen": 100},
        ("赠金即将到期", "{name}，您有储值赠金将在 7 天后到期，来店消费即可使用。"),
        (
            "Your bonus expires soon",
            "{name}, some of your stored-value bonus expires in 7 days. Come and use it.",
        ),
        delay_minutes=_NINE,
    ),
    _template(
        "idle_balance",
        ("储值余额提醒", "Idle balance"),
        {"kind": "idle_balance", "days": 90, "at_least_fen": 1_000},
        ("您还有储值余额", "{name}，您的储值余额已有一段时间没有使用，随时来店都可以用。"),
        (
            "You have a balance",
            "{name}, your stored value has not been used for a while. It is there whenever you come.",
        ),
        delay_minutes=_NOON,
    ),
    _template(
        "tier_up",
        ("升级祝贺", "Tier reached"),
        {"kind": "tier_up"},
        ("恭喜升级", "{name}，恭喜您成为{tier}！新的会员权益已生效，欢迎来店享用。"),
        ("Congratulations", "{name}, you have reached the {tier} tier! Your new benefits start now."),
        delay_minutes=5,
    ),
    _template(
        "tier_ending",
        ("保级提醒", "Tier about to drop"),
        {"kind": "tier_ending", "days": 30},
        ("会员等级即将到期", "{name}，您的{tier}还有 30 天到期，再来消费就有机会保级。"),
        ("Keep your tier", "{name}, your {tier} tier ends in 30 days. A few more purchases can keep it."),
        delay_minutes=_NOON,
    ),
    _template(
        "spend_over",
        ("单笔满额送券", "Spend over an amount, get a coupon"),
        {"kind": "spent_in_sale", "at_least_fen": 20_000},
        ("满额送券", "{name}，感谢惠顾！本次消费满额，送您一张优惠券。"),
        ("A coupon for you", "Thank you for your purchase, {name}! It earned you a coupon."),
        once="days",
        once_days=1,
        coupon=True,
    ),
    _template(
        "spend_over_period",
        ("累计满额送券", "Spend over an amount in 30 days, get a coupon"),
        {"kind": "spent_in_days", "at_least_fen": 50_000, "days": 30},
        ("累计满额送券", "{name}，感谢您近期的支持！近 30 天累计消费满额，送您一张优惠券。"),
        ("A coupon for you", "Thank you, {name}! What you spent in the last 30 days earned you a coupon."),
        once="days",
        once_days=30,
        coupon=True,
    ),
    _template(
        "coupon_used",
        ("用券次日回访", "The day after a coupon was used"),
        {"kind": "coupon_used"},
        ("感谢光临", "{name}，感谢您昨天用券光临，期待与您再次相见！"),
        ("Thank you", "Thank you for coming with your coupon yesterday, {name}. See you again soon!"),
        once="days",
        once_days=30,
        delay_minutes=1_440,
    ),
    _template(
        "event_booked",
        ("活动预约后的话", "A word after booking an event"),
        {"kind": "event_booked"},
        (
            "期待与您相见",
            "{name}，期待在活动现场见到您！计划有变时，请提前在小程序取消，把名额让给其他会员。",
        ),
        (
            "See you there",
            "We look forward to seeing you, {name}! If your plans change, please cancel in the mini-program, so "
            "that somebody else can have the seat.",
        ),
        delay_minutes=60,
    ),
)
