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

#: (Error code, reason) → the same, where the reason has words of its own.
COUPON_REASONS: dict[tuple[str, str], tuple[str, str]] = {
    ("coupon_not_redeemable", "used"): ("该优惠券已用完。", "This coupon has been used up."),
    ("coupon_not_redeemable", "recalled"): ("该优惠券已作废。", "This coupon was withdrawn."),
    ("coupon_not_redeemable", "ended"): ("该优惠券已过期。", "This coupon has ended."),
    ("coupon_not_redeemable", "not_yet"): ("该优惠券尚未到可用时间。", "This coupon cannot be used yet."),
    ("coupon_not_redeemable", "needs_sale"): (
        "该优惠券需在结账时使用，请先输入金额。",
        "This coupon is used with a sale: ring it up first.",
    ),
    ("coupon_not_redeemable", "not_here"): (
        "该优惠券不适用于本店。",
        "This coupon does not hold in this store.",
    ),
}
