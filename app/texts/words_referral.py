"""Key → (Chinese, English): inviting friends."""

REFERRAL_TEXTS: dict[str, tuple[str, str]] = {
    "referral.gives.points": ("{n:,} 积分", "{n:,} points"),
    "referral.gives.coupons": ("{n} 张「{name}」", "{n} × {name}"),
    "referral.gives.chances": ("抽奖机会 × {n}", "{n} × lottery draw"),
    "referral.rule": (
        "好友通过您的邀请加入，并在 {days} 天内单笔消费满 {least}{phone}，{gets}以下奖励。",
        "When a friend joins by your invite and spends {least} or more in one purchase within {days} days{phone},"
        " {gets} get:",
    ),
    "referral.rule.phone": ("（好友需绑定手机号）", " (your friend must add a phone number)"),
    "referral.rule.both": ("双方即可获得", "you both"),
    "referral.rule.inviter": ("您即可获得", "you"),
    "referral.rule.newcomer": ("好友即可获得", "they"),
    "referral.state.pending": ("待消费", "Yet to buy"),
    "referral.state.phone_missing": ("待绑定手机号", "Yet to add a phone number"),
    "referral.state.lapsed": ("已过期", "Too late"),
    "referral.state.rewarded": ("奖励已发放", "Rewarded"),
    "referral.state.taken_back": ("已退款，奖励收回", "Refunded, taken back"),
    "referral.state.not_counted": ("不计入奖励", "Does not count"),
    "referral.reason.self": ("自己邀请自己", "Invited themselves"),
    "referral.reason.staff": ("涉及员工账户", "A membership of staff"),
    "referral.reason.same_person": ("与其他会员为同一微信用户", "Same person as another member"),
    "referral.reason.same_device": ("与其他会员使用同一设备", "Same device as another member"),
    "referral.reason.same_phone": (
        "手机号属于其他会员或原会员",
        "Phone number of another or a former member",
    ),
    "referral.reason.inviter_inactive": ("邀请人已退出或被冻结", "The inviter has left or is frozen"),
    "referral.reason.cap": ("邀请人已达奖励总上限", "The inviter has reached the limit"),
    "referral.reason.day_cap": ("邀请人已达当日奖励上限", "The inviter has reached the day's limit"),
}
