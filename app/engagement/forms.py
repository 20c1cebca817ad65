"""Ready templates of activities, as data: what each is for, and what its form asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.engagement.definitions import MOST_BUDGET, MOST_FEN, MOST_ITEMS, MOST_STOCK
from app.engagement.form_fields import COMMON, Common, Field, Words, words
from app.engagement.reward import MOST_REWARD_POINTS
from app.points.rules import MOST_POINTS

#: Of a form: who makes up a third of a month is not there in a row. The activity itself takes more.
MOST_MAKE_UPS = 10


@dataclass(frozen=True, kw_only=True)
class Template:
    """`common`: which of the common questions its engines can answer for; `ends`: it needs an end."""

    code: str
    name: Words
    about: Words
    common: tuple[Common, ...]
    values: tuple[Field, ...]
    ends: bool = True

    def fields(self) -> list[Field]:
        return [COMMON[name] for name in self.common]


def _number(
    name: str, label: Words, help_: Words, low: int, high: int, default: int | None, *, required: bool = False
) -> Field:
    return Field(
        name=name,
        type="whole",
        label=label,
        help=help_,
        low=low,
        high=high,
        default=default,
        required=required,
    )


_NAMES: tuple[Common, ...] = ("name_zh", "name_en", "starts_at", "ends_at")
_TIMES = _number(
    "times",
    words("积分倍数", "Times the points"),
    words("2 即双倍；超过个人权限时由第二人确认", "2 doubles; beyond one person's limit a second one agrees"),
    2,
    10,
    2,
)
_OFF = words("整单减百分之几", "Per cent off the bill")
_OFF_HELP = words(
    "10 即九折；超过个人权限时由第二人确认",
    "10 takes off a tenth; beyond one person's limit a second one agrees",
)
_OFF_BUDGET = _number(
    "budget_fen",
    words("优惠预算（单位：分）", "Budget of what is taken off (fen)"),
    words(
        "累计减免达到后活动自动停止；不填为不限",
        "It stops when bills were lowered by that much; no limit if left out",
    ),
    1,
    MOST_BUDGET,
    None,
)
_PER_DAY = _number(
    "per_day",
    words("每人每天最多多送", "At most a day for a member"),
    words("额外积分的上限；不填为不限", "Of the additional points; no limit if left out"),
    1,
    MOST_POINTS,
    None,
)
_TEMPLATES = (
    Template(
        code="member_day",
        name=words("会员日", "Member day"),
        about=words(
            "每月固定一天消费，积分翻倍。",
            "Purchases on one day of each month earn several times the points.",
        ),
        common=(*_NAMES, "stores", "tiers", "birthday_month", "points_most"),
        values=(
            _number(
                "day",
                words("每月几号", "Day of the month"),
                words("按门店当地日期", "By the store's calendar"),
                1,
                31,
                8,
            ),
            _TIMES,
            _PER_DAY,
            _number("percent_off", _OFF, _OFF_HELP, 1, 99, None),
            _OFF_BUDGET,
        ),
    ),
    Template(
        code="shopping_festival",
        name=words("购物节", "Shopping festival"),
        about=words(
            "活动期内每单打折，积分翻倍。",
            "Within its time every bill is lower, and earns several times the points.",
        ),
        common=(*_NAMES, "stores", "tiers", "birthday_month", "points_most"),
        values=(
            _number("percent_off", _OFF, _OFF_HELP, 1, 99, 10),
            _number(
                "at_least_fen",
                words("满额门槛（单位：分）", "From a bill of (fen)"),
                words("0 为不限", "0: any bill"),
                0,
                MOST_FEN,
                0,
            ),
            _OFF_BUDGET,
            _TIMES,
            _PER_DAY,
        ),
    ),
    Template(
        code="double_points_weekend",
        name=words("周末双倍积分", "Double-points weekend"),
        about=words(
            "活动期内周六、周日消费，积分翻倍。",
            "Within its time purchases on Saturdays and Sundays earn double.",
        ),
        common=(*_NAMES, "stores", "tiers", "birthday_month", "points_most"),
        values=(_TIMES, _PER_DAY),
    ),
    Template(
        code="lottery",
        name=words("积分抽奖", "Lottery"),
        about=words(
            "用积分抽奖，奖品为积分：1% 大奖，20% 小奖，其余为谢谢参与。",
            "Points buy draws, and points are won: 1 % the grand prize, 20 % a small one.",
        ),
        common=(*_NAMES, "stores", "tiers", "birthday_month", "points_at_least"),
        values=(
            _number(
                "cost_points",
                words("每次消耗积分", "Points a draw costs"),
                words("至少 1 分", "At least one"),
                1,
                MOST_REWARD_POINTS,
                20,
            ),
            _number(
                "top_points",
                words("大奖积分", "Points of the grand prize"),
                words("小奖为每次消耗的积分", "The small prize is what a draw costs"),
                1,
                MOST_REWARD_POINTS,
                200,
            ),
            _number(
                "top_stock",
                words("大奖个数", "Number of grand prizes"),
                words(
                    "即抽奖的预算；抽完后改发谢谢参与",
                    "This is its budget; nothing is given when they are won",
                ),
                1,
                MOST_STOCK,
                10,
            ),
        ),
    ),
    Template(
        code="exchange_festival",
        name=words("兑换节", "Exchange festival"),
        about=words(
            "选出的兑换商品在活动期内按折扣价展示，暂代原商品，库存单独计算。",
            "Items of the mall stand there at a lower price in the usual ones' place, with a stock of their own.",
        ),
        common=(*_NAMES, "stores", "tiers"),
        values=(
            Field(
                name="items",
                type="ids",
                low=1,
                high=MOST_ITEMS,
                required=True,
                label=words("兑换商品", "Reward items"),
                help=words("商城里已有的商品", "Those that the mall has"),
            ),
            _number(
                "percent",
                words("活动价（原价的百分比）", "Price, in per cent of the usual one"),
                words("80 即八折，不足 1 分按 1 分", "80 is a fifth less; never less than one point"),
                1,
                99,
                80,
            ),
            _number(
                "stock",
                words("每店库存", "Stock in each store"),
                words("即兑换节的预算", "This is its budget"),
                1,
                MOST_STOCK,
                20,
            ),
        ),
    ),
    Template(
        code="check_in_streak",
        name=words("连续签到", "Check-in streak"),
        about=words(
            "每天签到得积分，连续第七天多得，之后重新计算。",
            "Points for each day, more for the seventh in a row; then it begins again.",
        ),
        common=(*_NAMES, "stores", "tiers", "birthday_month", "points_at_least", "points_most"),
        values=(
            _number(
                "points",
                words("每天积分", "Points a day"),
                words("第一至第六天", "From the first to the sixth"),
                1,
                MOST_REWARD_POINTS,
                1,
            ),
            _number(
                "seventh",
                words("第七天积分", "Points on the seventh day"),
                words("连续七天的奖励", "For seven days in a row"),
                1,
                MOST_REWARD_POINTS,
                10,
            ),
            _number(
                "make_ups_a_month",
                words("每月可补签天数", "Missed days that can be made up a month"),
                words(
                    "补签只接上连续天数，不送积分；0 为不可补签",
                    "They mend the row and give nothing; 0: none",
                ),
                0,
                MOST_MAKE_UPS,
                0,
            ),
            _number(
                "make_up_points",
                words("每次补签消耗积分", "Points a made-up day costs"),
                words("不填为免费补签", "Nothing if left out"),
                0,
                MOST_REWARD_POINTS,
                None,
            ),
        ),
        ends=False,
    ),
    Template(
        code="welcome_gift",
        name=words("入会礼", "Welcome gift"),
        about=words("新会员注册后自动送出。", "Whoever joins is given it by itself."),
        common=(*_NAMES, "points_most", "coupons_most"),
        values=(
            _number(
                "points",
                words("积分", "Points"),
                words("0 为不送积分", "0: no points"),
                0,
                MOST_REWARD_POINTS,
                50,
            ),
            Field(
                name="coupon_template",
                type="id",
                low=1,
                high=26,
                label=words("优惠券模板", "Template of coupons"),
                help=words("再送一张；不填则不送", "One of it besides; none if left out"),
            ),
        ),
        ends=False,
    ),
)
TEMPLATES: Mapping[str, Template] = {template.code: template for template in _TEMPLATES}
