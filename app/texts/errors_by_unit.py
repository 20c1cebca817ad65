"""Sentences for refusals that speak of different things under one code."""

from app.texts.errors_coupons import COUPON_REASONS
from app.texts.errors_rules import RULE_ERRORS_BY_REASON

_OTHER_CLERK = (
    "这是另一位店员查到的会员，请带上其工号。",
    "Another clerk found this member. Name the clerk of the scan.",
)
#: Where the same refusal speaks of different things: code and `unit`, or `reason`, of its data → (Chinese, English).
ERRORS_BY_UNIT: dict[tuple[str, str], tuple[str, str]] = {
    **COUPON_REASONS,
    **RULE_ERRORS_BY_REASON,
    ("ticket_unknown", "other_clerk"): _OTHER_CLERK,
    ("quote_unknown", "other_clerk"): _OTHER_CLERK,
    ("cannot_make_up", "day: it is not over"): (
        "这一天还没有过去，不能补签。",
        "That day is not over: it cannot be made up.",
    ),
    ("cannot_make_up", "day: not of this month"): (
        "只能补签本月的日子。",
        "Only days of this month can be made up.",
    ),
    ("cannot_make_up", "day: before the activity began"): (
        "这一天签到活动还没有开始，不能补签。",
        "The check-in had not begun by that day: it cannot be made up.",
    ),
    ("not_enough", "points"): ("可用积分不足。", "There are not enough points."),
    ("not_enough", "stored_value_fen"): ("储值余额不足。", "The stored value does not cover this."),
}
