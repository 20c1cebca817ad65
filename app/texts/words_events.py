"""Events: why a session cannot be booked, what movements are called, and messages. Key → (Chinese, English)."""

EVENT_TEXTS: dict[str, tuple[str, str]] = {
    "event.booked": ("已报名", "You have booked this"),
    "event.not_yet": ("报名未开始", "Not open for booking yet"),
    "event.closed": ("报名已截止", "Booking is closed"),
    "event.points": ("还差 {points:,} 积分", "Points still needed: {points:,}"),
    "event.coupon": ("需要一张可用的活动券", "A coupon for it is needed"),
    "event.full": ("已报满，可候补", "Full: you may join the waiting list"),
    "entry.event": ("活动报名", "Booked an event"),
    "entry.event_undone": ("取消报名返还", "Given back for a booking"),
    "message.event_promoted.title": ("候补成功", "You have a seat"),
    "message.event_promoted.body": (
        "您候补的“{title}”已有名额：{when}，{store}。到店出示会员码即可签到。",
        "A seat has come free for you at {title}: {when}, {store}. Show your member code at the door.",
    ),
    "message.event_called_off.title": ("活动取消通知", "Called off"),
    "message.event_called_off.body": (
        "很抱歉，“{title}”（{when}，{store}）已取消，您的报名已取消并全额退回。",
        "We are sorry: {title} on {when} at {store} does not take place. What you paid has been given back.",
    ),
    "message.event_not_reached.title": ("候补未成功", "No seat came free"),
    "message.event_not_reached.body": (
        "很遗憾，“{title}”（{when}，{store}）没有空出名额，您的候补已取消并全额退回。",
        "No seat came free at {title} on {when} at {store}. What you paid for the waiting list has been given back.",
    ),
}
