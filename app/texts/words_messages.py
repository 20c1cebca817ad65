"""What messages say of the member's own value. Part of `TEXTS`."""

MESSAGE_TEXTS: dict[str, tuple[str, str]] = {
    "message.receipt.discount": ("已优惠{off}。", " Discount: {off}."),
    "message.receipt.own_points": (
        "使用{points}积分抵扣{amount}。",
        " Points you paid with: {points}, worth {amount}.",
    ),
    "message.receipt.own_stored": ("储值支付{amount}。", " Paid from stored value: {amount}."),
    "message.refund.own_points": (
        "抵扣{amount}的{points}积分已退回。",
        " Points given back: {points}, worth {amount}.",
    ),
    "message.refund.own_stored": ("储值已退回{amount}。", " Given back to stored value: {amount}."),
    "told.balance_after": ("储值余额{amount}。", " Stored value now: {amount}."),
    "told.spent.stored": ("储值{amount}", "Balance {amount}"),
    "told.spent.points": ("积分{points}", "Points {points}"),
    "told.spent.none": ("无", "None"),
    "message.top_up.title": ("储值到账通知", "Your top-up"),
    "message.top_up.body": (
        "您在{store}储值{amount}，{how}收款。",
        "You topped up {amount} {how} at {store}.",
    ),
    "message.top_up.cash": ("现金", "in cash"),
    "message.top_up.card": ("银行卡", "by card"),
    "message.top_up.by_phone": (
        "您通过微信支付储值{amount}。",
        "You topped up {amount} by WeChat Pay.",
    ),
    "message.top_up.bonus": ("赠金{amount}。", " Bonus: {amount}."),
    "message.top_up.points": ("获得{points}积分。", " Points: {points}."),
    "message.top_up.to_come": (
        "另有赠金{amount}将陆续到账。",
        " Bonus still to come: {amount}.",
    ),
}
