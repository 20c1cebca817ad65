"""Error code → (Chinese, English): what coupons refuse."""

COUPON_ERRORS: dict[str, tuple[str, str]] = {
    "coupon_malformed": (
        "优惠券设置有误，详见 reason。",
        "The coupon does not fit together; see `reason`.",
    ),
    "coupon_not_available": ("该优惠券暂不可领取。", "This coupon is not to be had at present."),
    "coupons_used_up": ("优惠券已领完。", "All of these coupons have been taken."),
    "coupon_limit_reached": (
        "已达到领取上限。",
        "No more of these coupons can be had by one member.",
    ),
    "coupon_not_transferable": ("该优惠券不能转赠。", "This coupon cannot be passed on."),
    "coupon_offer_over": (
        "转赠已失效：可能已被领取、已取消或已过期。",
        "This link is over: the coupon was taken, the offer withdrawn, or the time has passed.",
    ),
    "coupon_offer_own": (
        "这是您自己的优惠券，请发给好友领取。",
        "This coupon is your own. Send the link to a friend.",
    ),
}
