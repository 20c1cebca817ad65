"""Key → (Chinese, English)."""

from app.texts.words_benefits import BENEFIT_TEXTS
from app.texts.words_settlement import SETTLEMENT_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    "entry.spend": ("消费抵扣", "Spent on a purchase"),
    "entry.restore": ("退款返还", "Given back with a refund"),
    **BENEFIT_TEXTS,
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
    "house.points_spent": ("已抵扣积分", "Points spent"),
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
    "points_payment.used": ("用 {points} 积分抵扣 {amount}", "{points} points pay {amount}"),
    "points_payment.off": ("暂不支持积分抵扣", "Points cannot be used to pay here"),
    "points_payment.not_enough": (
        "可用积分不足，用 {points} 积分抵扣 {amount}",
        "Not as many points are available: {points} pay {amount}",
    ),
    "points_payment.share": (
        "已达本单可抵扣的上限，用 {points} 积分抵扣 {amount}",
        "The most that points may pay of this bill: {points} pay {amount}",
    ),
    "points_payment.least": ("未达到最少抵扣积分", "Fewer points than the least that may be used"),
    "points_payment.step": (
        "按整数档抵扣，用 {points} 积分抵扣 {amount}",
        "Points are used in whole steps: {points} pay {amount}",
    ),
    "balance_payment.used": ("储值支付 {amount}", "{amount} from stored value"),
    "balance_payment.not_enough": (
        "储值余额不足，支付 {amount}",
        "Stored value does not cover more: it pays {amount}",
    ),
    "balance_payment.bill": ("储值支付全部应付金额 {amount}", "Stored value pays all that is due: {amount}"),
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
    "message.receipt.afterwards": (
        "这笔消费凭小票补登到您的账户。",
        " This purchase was credited afterwards, by its receipt.",
    ),
    "message.receipt.by_phone": (
        "店员凭您的手机号登记了这笔消费。",
        " The clerk found you by your phone number.",
    ),
}
