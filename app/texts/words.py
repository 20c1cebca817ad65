"""Key → (Chinese, English)."""

from app.texts.words_activities import ACTIVITY_TEXTS
from app.texts.words_asks import ASKS_TEXTS
from app.texts.words_automations import AUTOMATION_TEXTS
from app.texts.words_benefits import BENEFIT_TEXTS
from app.texts.words_campaigns import CAMPAIGN_TEXTS
from app.texts.words_coupons import COUPON_TEXTS
from app.texts.words_events import EVENT_TEXTS
from app.texts.words_feedback import FEEDBACK_TEXTS
from app.texts.words_limits import LIMIT_TEXTS
from app.texts.words_messages import MESSAGE_TEXTS
from app.texts.words_recommendations import RECOMMENDATION_TEXTS
from app.texts.words_referral import REFERRAL_TEXTS
from app.texts.words_rewards import REWARD_TEXTS
from app.texts.words_segments import SEGMENT_TEXTS
from app.texts.words_settlement import SETTLEMENT_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    "entry.spend": ("消费抵扣", "Spent on a purchase"),
    "entry.restore": ("退款返还", "Given back with a refund"),
    "balance.restore.principal": ("退款返还（本金）", "Given back with a refund, to principal"),
    "balance.restore.bonus": ("退款返还（赠金）", "Given back with a refund, to bonus"),
    **ASKS_TEXTS,
    **ACTIVITY_TEXTS,
    **AUTOMATION_TEXTS,
    **BENEFIT_TEXTS,
    **CAMPAIGN_TEXTS,
    **COUPON_TEXTS,
    **FEEDBACK_TEXTS,
    **LIMIT_TEXTS,
    **MESSAGE_TEXTS,
    **RECOMMENDATION_TEXTS,
    **REFERRAL_TEXTS,
    **EVENT_TEXTS,
    **REWARD_TEXTS,
    **SEGMENT_TEXTS,
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
    "balance.transfer.principal": ("账户间转移（本金）", "Principal moved between accounts"),
    "balance.transfer.bonus": ("账户间转移（赠金）", "Bonus moved between accounts"),
    "balance.opening.principal": ("期初余额（本金）", "Opening balance: principal"),
    "balance.opening.bonus": ("期初余额（赠金）", "Opening balance: bonus"),
    "balance.expire.bonus": ("赠金到期", "Bonus expired"),
    "balance.top_up_refund.principal": ("储值退款", "Top-up refunded"),
    "balance.top_up_refund.bonus": ("储值退款，收回赠金", "Bonus taken back for a refunded top-up"),
    "balance.bonus_charge.principal": ("储值退款，扣除已用赠金", "Deducted for bonus spent, top-up refunded"),
    "balance.top_up_refund_undone.principal": ("储值退款未成功，退回本金", "Refund not paid: principal back"),
    "balance.top_up_refund_undone.bonus": ("储值退款未成功，退回赠金", "Refund not paid: bonus back"),
    "balance.bonus_charge_undone.principal": (
        "储值退款未成功，退回已扣本金",
        "Refund not paid: deduction back",
    ),
    "entry.top_up_earn": ("储值积分", "Points earned by a top-up"),
    "entry.top_up_refund": ("储值退款", "Top-up refunded"),
    "entry.bonus_charge": ("扣除已用赠金", "Deducted for bonus spent"),
    "entry.top_up_refund_undone": ("储值退款未成功", "Refund of a top-up not paid"),
    "entry.bonus_charge_undone": ("退回已扣本金", "Deduction put back"),
    "entry.top_up_points_back": ("储值退款收回积分", "Points taken back for a refunded top-up"),
    "entry.top_up_earned_back": ("储值退款收回积分", "Points taken back for a refunded top-up"),
    "house.principal_paid_back": ("已退还储值本金", "Principal paid back"),
    "house.principal_for_bonus": ("抵扣已用赠金的本金", "Principal kept for bonus spent"),
    "house.bonus_taken_back": ("已收回赠金", "Bonus taken back"),
    "top_up_refund.cooling_off": (
        "{until} 前（含当日）且未使用：全额退回",
        "Unused, and asked for by {until}: all of it goes back",
    ),
    "top_up_refund.unused": ("退回未使用本金 {amount}", "Unused principal given back: {amount}"),
    "top_up_refund.bonus": ("收回未使用赠金 {amount}", "Unused bonus taken back: {amount}"),
    "top_up_refund.ended": ("已过期赠金 {amount}，不扣款", "Bonus that ended unspent, not charged: {amount}"),
    "top_up_refund.spent": (
        "已使用赠金 {spent}，按 {share}% 扣除 {amount}",
        "Bonus spent: {spent}; {share}% of it is deducted: {amount}",
    ),
    "top_up_refund.points": ("收回积分 {points}", "Points taken back: {points}"),
    "top_up_refund.total": ("实退 {amount}", "Paid back: {amount}"),
    "message.top_up_refund.title": ("储值退款通知", "Your top-up was refunded"),
    "message.top_up_refund.body": (
        "{store}已退还您的储值{amount}，收回赠金{bonus}、积分{earned:,}。",
        "{store} paid back {amount} of a top-up. Taken back: bonus {bonus}, points {earned:,}.",
    ),
    "message.top_up_refund.deducted": (
        "其中已用赠金扣除{deducted}。",
        " Deducted for bonus spent: {deducted}.",
    ),
    "message.top_up_refund.wechat_pay": ("微信支付", "WeChat Pay"),
    "house.principal_taken_in": ("已收储值本金", "Principal taken in"),
    "house.bonus_issued": ("已发放赠金", "Bonus issued"),
    "house.principal_spent": ("已消费本金", "Principal spent"),
    "house.bonus_spent": ("已消费赠金", "Bonus spent"),
    "entry.tier_gift_back": ("收回升级礼", "Gift for a tier taken back"),
    "entry.tier_gift": ("升级礼", "Gift for reaching a tier"),
    "house.points_spent": ("已抵扣积分", "Points spent"),
    "entry.transfer": ("账户间转移", "Moved between accounts"),
    "entry.opening": ("期初余额", "Opening balance"),
    "house.brought_forward": ("期初结转", "Brought forward"),
    "entry.birthday_gift": ("生日礼", "Birthday gift"),
    "benefit.birthday_gift": ("生日当天送 {points:,} 积分", "A birthday gift each year: {points:,} points"),
    "benefit.birthday_gift.phone_needed": (
        "生日当天送 {points:,} 积分，绑定手机号后可领取",
        "A birthday gift each year: {points:,} points, once you have added your phone number",
    ),
    "message.birthday_gift.title": ("生日快乐", "Happy birthday"),
    "message.birthday_gift.body": (
        "祝您生日快乐！送上{points:,}积分。",
        "Happy birthday! Points for you: {points:,}.",
    ),
    "message.birthday_gift.until": ("可用至{date}。", " They can be spent through {date}."),
    "house.points_issued": ("已发放积分", "Points issued"),
    "house.points_expired": ("已到期积分", "Points expired"),
    "house.points_adjusted": ("人工调整的积分", "Points adjusted by staff"),
    "house.points_gifted": ("赠送积分", "Points given as gifts"),
    "house.bonus_expired": ("已到期赠金", "Bonus expired"),
    "earned.base": (
        "{amount} 每元积 {value} 分，得 {points} 分",
        "{amount} at {value} points per yuan: {points}",
    ),
    "earned.base.one": (
        "{amount} 每元积 {value} 分，得 {points} 分",
        "{amount} at {value} point per yuan: {points}",
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
        "您在{store}的消费已退款{amount}，收回{earned:,}积分，可用积分{points:,}。",
        "{amount} was refunded at {store}. Points taken back: {earned:,}. Points available: {points:,}.",
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
    "tier.by": ("{until} 前（含当日）", "by {until}"),
    "tier.by.the_end": ("到期前（含当日）", "by then"),
    "tier.keep.spend": (
        "{tier}有效期至 {valid_through}，{by}再消费 {missing} 即可保级",
        "{tier} is valid until {valid_through}; spend {missing} more {by} to keep it",
    ),
    "tier.keep.visits": (
        "{tier}有效期至 {valid_through}，{by}再到店消费 {missing} 次即可保级",
        "{tier} is valid until {valid_through}; visits still needed {by} to keep it: {missing}",
    ),
    "tier.keep.growth": (
        "{tier}有效期至 {valid_through}，{by}再获得 {missing} 成长值即可保级",
        "{tier} is valid until {valid_through}; growth value still needed {by} to keep it: {missing}",
    ),
    "tier.valid": ("{tier}有效期至 {valid_through}", "{tier} is valid until {valid_through}"),
    "tier.kept": (
        "{tier}有效期至 {valid_through}，已达到保级条件，到期自动续期",
        "{tier} is valid until {valid_through} and will be renewed: you have earned it again",
    ),
    "message.refund.pending": ("另有待生效积分{pending:,}。", " Points pending: {pending:,}."),
    "message.receipt.title": ("消费通知", "Your purchase"),
    "message.receipt.body": (
        "您在{store}消费{amount}，获得{earned:,}积分，可用积分{points:,}。",
        "You spent {amount} at {store}. Points earned: {earned:,}. Points available: {points:,}.",
    ),
    "message.refund.owed": (
        "另有{owed:,}积分已使用，将从下次获得的积分中扣除。",
        " Points already spent: {owed:,}; the next ones you get pay for them.",
    ),
    "message.receipt.repaid": (
        "其中{repaid:,}积分已抵扣所欠积分。",
        " Of these, points that paid what you owed: {repaid:,}.",
    ),
    "message.receipt.pending": ("另有待生效积分{pending:,}。", " Points pending: {pending:,}."),
    "message.receipt.afterwards": (
        "这笔消费凭小票补登到您的账户。",
        " This purchase was credited afterwards, by its receipt.",
    ),
    "message.receipt.by_phone": (
        "店员凭您的手机号登记了这笔消费。",
        " The clerk found you by your phone number.",
    ),
}
