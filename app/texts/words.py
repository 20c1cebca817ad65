"""Key → (Chinese, English)."""

TEXTS: dict[str, tuple[str, str]] = {
    "entry.earn": ("消费积分", "Points earned"),
    "entry.expire": ("积分到期", "Points expired"),
    "message.receipt.title": ("积分到账", "Points earned"),
    "message.receipt.body": (
        "您在{store}消费{amount}，获得{earned}积分，当前积分{points}。",
        "You spent {amount} at {store} and earned {earned} points. You now have {points}.",
    ),
}
