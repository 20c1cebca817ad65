"""Key → (Chinese, English)."""

from app.texts.words_settlement import SETTLEMENT_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    **SETTLEMENT_TEXTS,
    "entry.earn": ("消费积分", "Points earned"),
    "entry.expire": ("积分到期", "Points expired"),
    "entry.adjust": ("人工调整", "Adjusted by staff"),
    "entry.refund": ("退款收回积分", "Points taken back for a refund"),
    "entry.repay": ("抵扣所欠积分", "Points used to pay what was owed"),
    "house.points_lent": ("会员所欠积分", "Points members owe"),
    "entry.top_up": ("储值赠送积分", "Points for a top-up"),
    "balance.top_up.principal": ("储值", "Top-up"),
    "balance.top_up.bonus": ("储值赠金", "Bonus for a top-up"),
    "balance.spend.principal": ("消费（本金）", "Spent from principal"),
    "balance.spend.bonus": ("消费（赠金）", "Spent from bonus"),
    "balance.expire.bonus": ("赠金到期", "Bonus expired"),
    "house.principal_taken_in": ("已收储值本金", "Principal taken in"),
    "house.bonus_issued": ("已发放赠金", "Bonus issued"),
    "house.principal_spent": ("已消费本金", "Principal spent"),
    "house.bonus_spent": ("已消费赠金", "Bonus spent"),
    "entry.tier_gift": ("升级礼", "Gift for reaching a tier"),
    "house.points_issued": ("已发放积分", "Points issued"),
    "house.points_expired": ("已到期积分", "Points expired"),
    "house.points_adjusted": ("人工调整的积分", "Points adjusted by staff"),
    "house.points_gifted": ("赠送积分", "Points given as gifts"),
    "house.bonus_expired": ("已到期赠金", "Bonus expired"),
    "earned.base": (
        "{amount} 每元积 {value} 分，得 {points} 分",
        "{amount} at {value} points a yuan: {points}",
    ),
    "earned.multiplier": ("{value} 倍积分，多得 {points} 分", "{value} times the points: {points} more"),
    "earned.extra": ("加赠 {points} 分", "{points} extra"),
    "earned.cap.sale": ("（已达单笔上限）", " (the most for one sale)"),
    "earned.cap.day": ("（已达当日上限）", " (the most for one day)"),
    "message.refund.title": ("退款通知", "Your refund"),
    "message.refund.body": (
        "您在{store}的消费已退款{amount}，收回{earned}积分，可用积分{points}。",
        "{amount} was refunded at {store}. Points taken back: {earned}. Points available: {points}.",
    ),
    "tier.next.spend": ("再消费 {missing} 即可升级为{tier}", "Spend {missing} more to reach {tier}"),
    "tier.next.visits": (
        "再到店消费 {missing} 次即可升级为{tier}",
        "Visits still needed for {tier}: {missing}",
    ),
    "tier.next.growth": (
        "再获得 {missing} 成长值即可升级为{tier}",
        "Growth value still needed for {tier}: {missing}",
    ),
    "tier.keep.spend": (
        "{tier}有效期至 {valid_through}，{until} 前（含当日）再消费 {missing} 即可保级",
        "{tier} is valid until {valid_through}; spend {missing} more by {until} to keep it",
    ),
    "tier.keep.visits": (
        "{tier}有效期至 {valid_through}，{until} 前（含当日）再到店消费 {missing} 次即可保级",
        "{tier} is valid until {valid_through}; visits still needed by {until} to keep it: {missing}",
    ),
    "tier.keep.growth": (
        "{tier}有效期至 {valid_through}，{until} 前（含当日）再获得 {missing} 成长值即可保级",
        "{tier} is valid until {valid_through}; growth value still needed by {until} to keep it: {missing}",
    ),
    "tier.kept": (
        "{tier}有效期至 {valid_through}，已达到保级条件，到期自动续期",
        "{tier} is valid until {valid_through} and will be renewed: you have earned it again",
    ),
    "message.refund.pending": ("另有待生效积分{pending}。", " Points pending: {pending}."),
    "message.receipt.title": ("消费通知", "Your purchase"),
    "message.receipt.body": (
        "您在{store}消费{amount}，获得{earned}积分，可用积分{points}。",
        "You spent {amount} at {store}. Points earned: {earned}. Points available: {points}.",
    ),
    "message.receipt.pending": ("另有待生效积分{pending}。", " Points pending: {pending}."),
}
