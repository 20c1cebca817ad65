"""Sentences for refusals that speak of different things under one code."""

_OTHER_CLERK = (
    "这是另一位店员查到的会员，请带上其工号。",
    "Another clerk found this member. Name the clerk of the scan.",
)
#: Where the same refusal speaks of different things: code and `unit`, or `reason`, of its data → (Chinese, English).
ERRORS_BY_UNIT: dict[tuple[str, str], tuple[str, str]] = {
    ("ticket_unknown", "other_clerk"): _OTHER_CLERK,
    ("quote_unknown", "other_clerk"): _OTHER_CLERK,
    ("forbidden", "all_stores"): (
        "这对所有门店生效，须在每家门店都有权限，详见 right；如能指定门店，请写明您负责的门店。",
        "This is about all stores and takes the right (see `right`) in each. Where stores can be named, name yours.",
    ),
    ("not_enough", "points"): ("可用积分不足。", "There are not enough points."),
    ("not_enough", "stored_value_fen"): ("储值余额不足。", "The stored value does not cover this."),
}
