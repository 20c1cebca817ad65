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
    "coupon_not_redeemable": ("该优惠券现在不能使用。", "This coupon cannot be used here and now."),
    "redemption_stays": ("这次核销不能撤销。", "This redemption cannot be undone."),
}
