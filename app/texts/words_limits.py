"""Why something waits for a second person. Part of `TEXTS`; keys are `limit.`, the policy and its field."""

LIMIT_TEXTS: dict[str, tuple[str, str]] = {
    "limit.None": ("不限", "no limit"),
    "limit.True": ("是", "yes"),
    "limit.False": ("否", "no"),
    "limit.loosened": (
        "放宽 {field}（当前为 {limit}）须由另一人同意",
        "Allowing more in {field}, now {limit}, takes a second person",
    ),
    "limit.activities.alone_points_at_once": (
        "须由另一人同意：单次赠送超过 {limit} 积分",
        "Needs a second person: gives more than {limit} points at a time",
    ),
    "limit.activities.alone_points": (
        "须由另一人同意：赠送积分合计未设上限，或超过 {limit}",
        "Needs a second person: the points it may give in all have no limit, or are more than {limit}",
    ),
    "limit.activities.alone_coupons": (
        "须由另一人同意：发券合计未设上限，或超过 {limit} 张",
        "Needs a second person: the coupons it may give in all have no limit, or are more than {limit}",
    ),
    "limit.activities.alone_item_fen": (
        "须由另一人同意：未填写成本或优惠券价值无法确定，或成本高出兑换价 {limit} 以上",
        "Needs a second person: the cost, or what the coupon is worth, is not known or is more than {limit} above the "
        "price",
    ),
    "limit.activities.alone_items_fen": (
        "须由另一人同意：未填写成本或优惠券价值无法确定、库存不限，或全部库存合计高出兑换价 {limit} 以上",
        "Needs a second person: the cost, or what the coupon is worth, is not known, the stock has no limit, or all of "
        "it costs more than {limit} above the price",
    ),
    "limit.earning_rules.alone_rate_bp": (
        "一人最多可设每元 {limit} 积分",
        "One person alone may give up to {limit} points per yuan",
    ),
    "limit.earning_rules.alone_factor_bp": (
        "同一笔消费可叠加的倍数，一人合计最多可设 {limit} 倍",
        "All multipliers that a sale may meet: one person alone may give up to {limit} times the points",
    ),
    "limit.earning_rules.alone_points": (
        "同一笔消费的加赠积分，一人合计最多可设 {limit} 分",
        "All extra points that a sale may meet: one person alone may give up to {limit}",
    ),
    "limit.discounts.alone_percent_bp": (
        "同一笔消费的折扣，一人合计最多可设 {limit}",
        "All discounts that a sale may meet: one person alone may take off up to {limit}",
    ),
    "limit.discounts.alone_off_fen": (
        "同一笔消费的立减金额，一人合计最多可设 {limit}",
        "All amounts off that a sale may meet: one person alone may take off up to {limit}",
    ),
    "limit.discounts.alone_prices": (
        "一人可否单独设置特价：{limit}",
        "Whether one person alone may set special prices: {limit}",
    ),
    "limit.stored_value.alone_bonus_bp": (
        "一人最多可设充值金额 {limit} 的赠金",
        "One person alone may offer up to {limit} of what is paid as bonus",
    ),
    "limit.stored_value.alone_points": (
        "一人最多可设每次充值赠送 {limit} 积分",
        "One person alone may offer up to {limit} points for a top-up",
    ),
    "limit.settlement.alone_fen": (
        "一人最多可关账的应结金额为 {limit}",
        "One person alone may close a statement that owes up to {limit}",
    ),
}
