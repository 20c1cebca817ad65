"""Error code → (Chinese, English): what the rewards mall refuses."""

REWARD_ERRORS: dict[str, tuple[str, str]] = {
    "picture_malformed": ("图片无法使用，详见 reason。", "The picture cannot be taken; see `reason`."),
    "reward_malformed": (
        "积分商品设置有误，详见 reason。",
        "The item does not fit together; see `reason`.",
    ),
    "reward_stock_below": (
        "库存不能少于已兑换的数量，详见 taken。",
        "More have been exchanged than that; see `taken`.",
    ),
    "reward_not_available": ("该商品暂不可兑换。", "This is not to be had at present."),
    "reward_not_here": ("该门店没有这件商品，请选择其他门店。", "This is not to be had in that store."),
    "reward_used_up": ("已兑完，请看看其他商品。", "None of these is left."),
    "reward_price_changed": (
        "兑换价格已变化，请确认新的价格。",
        "It costs something else by now. Please look at the price again.",
    ),
    "reward_payment_open": (
        "您有一笔兑换尚未付款，请先付款或取消。",
        "Another exchange waits for its payment: pay it or give it up first.",
    ),
    "reward_limit_reached": ("已达到兑换次数上限。", "You have exchanged for this as often as one may."),
    "reward_order_over": (
        "这笔兑换已领取、已取消或已过期。",
        "This was handed over, given up, or not picked up in time.",
    ),
    "reward_too_late": (
        "已超过可自行取消的时间。",
        "The time to give it back is over.",
    ),
    "reward_used": (
        "已使用、转赠或过期，不能取消。",
        "It was used, passed on, or has ended: it cannot be given back.",
    ),
}
