"""Error code → (Chinese, English): what events refuse."""

EVENT_ERRORS: dict[str, tuple[str, str]] = {
    "event_malformed": ("活动设置有误，详见 reason。", "The event does not fit together; see `reason`."),
    "event_over": (
        "活动或场次已取消或已结束，不能再改。",
        "The event or session is over or was cancelled: it stays as it is.",
    ),
    "event_booked": (
        "已有会员报名，时间、门店和价格不能再改；如需更改，请取消本场并另开一场。",
        "Members have booked: time, store and price stay. Cancel the session and add another one.",
    ),
    "event_seats_below": (
        "名额不能少于已报名的人数，详见 taken。",
        "More seats are booked than that; see `taken`.",
    ),
    "event_not_open": ("该场次暂不可报名。", "This cannot be booked at present."),
    "event_full": ("名额已满。", "Not enough seats left."),
    "event_already_booked": ("您已报名或正在候补这一场。", "You have booked this session, or wait for it."),
    "event_seats_each": (
        "超过每人可报名的名额，详见 limit。",
        "One member may not have so many seats; see `limit`.",
    ),
    "event_price_changed": (
        "报名价格已变化，请确认新的价格。",
        "It costs something else by now. Please look at the price again.",
    ),
    "event_coupon_missing": (
        "您没有可用于本场的券。",
        "You have no coupon that is good for this.",
    ),
    "event_begun": ("活动已开始，不能自行取消。", "It has begun: this cannot be cancelled any more."),
    "event_booking_over": (
        "这笔报名已签到、已取消或已结束。",
        "This booking has been checked in or cancelled, or its session is over.",
    ),
    "event_not_now": (
        "只能在活动当天、结束之前签到。",
        "Members are checked in on the day of the event, until it ends.",
    ),
    "event_feedback_given": ("您已评价过。", "You have said what you think of this."),
    "event_feedback_closed": (
        "活动结束后的评价期内，到场会员可以评价。",
        "Those who were there may say so once it is over, for some days.",
    ),
}
