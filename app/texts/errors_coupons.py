"""Error code → (Chinese, English): what coupons refuse."""

COUPON_ERRORS: dict[str, tuple[str, str]] = {
    "coupon_malformed": (
        "优惠券设置有误，详见 reason。",
        "The coupon does not fit together; see `reason`.",
    ),
    "coupon_cost_period": (
        "时间段为空或过长，最多天数详见 most_days。",
        "The period is empty or too long; see `most_days`.",
    ),
    "coupon_not_available": ("该优惠券暂不可领取。", "This coupon is not to be had at present."),
    "coupons_used_up": ("优惠券已领完。", "All of these coupons have been taken."),
    "coupon_limit_reached": (
        "已达到领取上限。",
        "No more of these coupons can be had by one member.",
    ),
    "coupon_uses_out_of_range": (
        "剩余次数超过该券的总次数。",
        "More uses are left than a coupon of this template has.",
    ),
    "coupon_end_out_of_range": (
        "到期日已过、早于生效日，或晚于该券的有效期。",
        "The last day is over, comes before the first, or is later than the template allows.",
    ),
    "coupon_member_twice": (
        "该会员在名单中重复出现。",
        "This member stands in the list more than once.",
    ),
    "coupon_in_review": (
        "该优惠券正在审核，暂不能修改；可先撤回审核。",
        "A second person is looking at this coupon. Withdraw the request first.",
    ),
    "coupon_template_state": (
        "优惠券当前状态不支持此操作，详见 state。",
        "This cannot be done with a coupon in this state; see `state`.",
    ),
    "coupon_has_no_link": (
        "该优惠券未开启链接领取，请先打开 by_link。",
        "This coupon is not claimed by link. Turn `by_link` on first.",
    ),
    "coupon_stock_below_issued": (
        "库存不能低于已发放的数量，详见 issued。",
        "The stock cannot be lower than what has been given out; see `issued`.",
    ),
    "coupon_clerk_limit": (
        "您今天可赠送的这种优惠券已达上限。",
        "You have given away as many of these coupons today as one may.",
    ),
    "own_membership": (
        "不能给自己的会员账户送优惠券。",
        "Nobody gives coupons to their own membership.",
    ),
    "coupon_not_redeemable": ("该优惠券现在不能使用。", "This coupon cannot be used here and now."),
    "redemption_stays": ("这次核销不能撤销。", "This redemption cannot be undone."),
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
