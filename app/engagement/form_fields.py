"""What forms of activities ask: kinds of questions, and those that are common to all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.engagement.definitions import MOST_BUDGET
from app.points.rules import MOST_POINTS

FieldType = Literal["text", "whole", "moment", "flag", "stores", "tiers", "id", "ids"]
#: What all forms may ask, besides the `values` of each.
Common = Literal[
    "name_zh",
    "name_en",
    "starts_at",
    "ends_at",
    "stores",
    "tiers",
    "birthday_month",
    "points_at_least",
    "points_most",
    "coupons_most",
]


@dataclass(frozen=True, kw_only=True)
class Words:
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """A question of a form. `low` to `high` bound a number, the length of a text, and how many are in a list."""

    name: str
    type: FieldType
    label: Words
    help: Words
    required: bool = False
    default: int | str | None = None
    low: int | None = None
    high: int | None = None


def words(zh: str, en: str) -> Words:
    return Words(zh=zh, en=en)


COMMON: Mapping[Common, Field] = {
    "name_zh": Field(
        name="name_zh",
        type="text",
        low=1,
        high=40,
        label=words("中文名称", "Name in Chinese"),
        help=words("会员看到的名称；不填则用模板名", "What members see; the template's name if left out"),
    ),
    "name_en": Field(
        name="name_en",
        type="text",
        low=1,
        high=60,
        label=words("英文名称", "Name in English"),
        help=words("会员看到的名称；不填则用模板名", "What members see; the template's name if left out"),
    ),
    "starts_at": Field(
        name="starts_at",
        type="moment",
        label=words("开始时间", "Begins"),
        help=words("不填则发布后立即开始", "At once, when it is published, if left out"),
    ),
    "ends_at": Field(
        name="ends_at",
        type="moment",
        label=words("结束时间", "Ends"),
        help=words("到点自动结束，这一刻不再计入", "It ends by itself; this moment is no longer in it"),
    ),
    "stores": Field(
        name="stores",
        type="stores",
        low=1,
        high=200,
        label=words("门店", "Stores"),
        help=words(
            "不填为全部门店；消费积分看消费所在门店，其他看会员的归属门店",
            "All if left out; for points on purchases: the store of the purchase; otherwise the member's home store",
        ),
    ),
    "tiers": Field(
        name="tiers",
        type="tiers",
        low=1,
        high=20,
        label=words("会员等级", "Tiers"),
        help=words("不填为全部等级", "All if left out"),
    ),
    "birthday_month": Field(
        name="birthday_month",
        type="flag",
        label=words("仅限生日月", "Birthday month only"),
        help=words("只面向当月生日的会员", "Only for members whose birthday is in the month"),
    ),
    "points_at_least": Field(
        name="points_at_least",
        type="whole",
        low=0,
        high=MOST_POINTS,
        default=0,
        label=words("积分不少于", "Points at least"),
        help=words("参与时持有的积分；0 为不限", "What they have when they take part; 0: whatever they have"),
    ),
    "points_most": Field(
        name="points_most",
        type="whole",
        low=0,
        high=MOST_BUDGET,
        label=words("积分预算", "Budget of points"),
        help=words("送完即止；不填为不限", "It stops when they are given; no limit if left out"),
    ),
    "coupons_most": Field(
        name="coupons_most",
        type="whole",
        low=0,
        high=MOST_BUDGET,
        label=words("优惠券预算", "Budget of coupons"),
        help=words("送完即止；不填为不限", "It stops when they are given; no limit if left out"),
    ),
}
