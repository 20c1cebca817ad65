"""The words of coupons on the till's page. Part of `TEXTS`."""

COUPONS: dict[str, tuple[str, str]] = {
    "coupon.hand_over": ("请交付：{item}", "Hand over: {item}"),
    "coupon.gift": ("赠品", "Gift"),
    "coupon.use": ("使用“{name}”", "Use {name}"),
    "coupon.until": ("{day} 到期", "until {day}"),
    "coupon.left": ("剩 {n} 次", "uses left: {n}"),
    "coupon.shown": ("出示的是一张券，只能使用这张券", "One coupon was shown: only this one can be used"),
    "coupon.redeemable": ("可直接兑换的券（{n}）", "Coupons to redeem now ({n})"),
    "coupon.redeem": ("确认兑换，交付：{what}", "Redeem and hand over: {what}"),
    "coupon.redeemed": ("已兑换，请交付：{what}", "Redeemed. Hand over: {what}"),
    "coupon.undo": ("兑换错了，撤销", "That was wrong, undo it"),
    "coupon.undone": ("已撤销，券已退回给会员", "Undone: the member has the coupon back"),
    "give.title": ("送优惠券", "Give a coupon"),
    "give.left_today": ("您今天还可送 {n} 张", "you may give {n} more today"),
    "give.yes": ("确认送出：{name}", "Give it: {name}"),
    "give.done": ("已送出：{name}", "Given: {name}"),
    "give.held": (
        "已放入会员券包：{what}，有效期至 {day}",
        "In the member's wallet: {what}, good through {day}",
    ),
    "give.counts": ("符合条件时，本次结账即可使用", "Counts in this bill if its conditions are met"),
    "give.once": ("这次扫码已送过一张。", "One was given after this scan."),
    "give.member_limit": ("该会员已达到领取上限。", "This member has had as many as one may."),
    "receipt.coupon": ("优惠券", "Coupon"),
}
