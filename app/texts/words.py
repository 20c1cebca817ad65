"""Key → (Chinese, English)."""

TEXTS: dict[str, tuple[str, str]] = {
    "entry.earn": ("消费积分", "Points earned"),
    "entry.expire": ("积分到期", "Points expired"),
    "entry.adjust": ("人工调整", "Adjusted by staff"),
    "house.points_issued": ("已发放积分", "Points issued"),
    "house.points_expired": ("已到期积分", "Points expired"),
    "house.points_adjusted": ("人工调整的积分", "Points adjusted by staff"),
    "house.bonus_expired": ("已到期赠金", "Bonus expired"),
    "earned.base": (
        "{amount} 每元积 {value} 分，得 {points} 分",
        "{amount} at {value} points a yuan: {points}",
    ),
    "earned.multiplier": ("{value} 倍积分，多得 {points} 分", "{value} times the points: {points} more"),
    "earned.extra": ("加赠 {points} 分", "{points} extra"),
    "earned.cap.sale": ("（已达单笔上限）", " (the most for one sale)"),
    "earned.cap.day": ("（已达当日上限）", " (the most for one day)"),
    "message.receipt.title": ("消费通知", "Your purchase"),
    "message.receipt.body": (
        "您在{store}消费{amount}，获得{earned}积分，可用积分{points}。",
        "You spent {amount} at {store}. Points earned: {earned}. Points available: {points}.",
    ),
    "message.receipt.pending": ("另有待生效积分{pending}。", " Points pending: {pending}."),
}
