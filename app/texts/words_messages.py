"""What messages say of the member's own value, and of what came to them. Part of `TEXTS`."""

MESSAGE_TEXTS: dict[str, tuple[str, str]] = {
    "message.receipt.discount": ("已优惠{off}。", " Discount: {off}."),
    "message.receipt.own_points": (
        "使用{points:,}积分抵扣{amount}。",
        " Points you paid with: {points:,}, worth {amount}.",
    ),
    "message.receipt.own_stored": ("储值支付{amount}。", " Paid from stored value: {amount}."),
    "message.refund.own_points": (
        "抵扣{amount}的{points:,}积分已退回。",
        " Points given back: {points:,}, worth {amount}.",
    ),
    "message.refund.own_stored": ("储值已退回{amount}。", " Given back to stored value: {amount}."),
    "told.points_back": ("已退回{points:,}积分。", " Points given back: {points:,}."),
    "told.stored_back": ("储值已退回{amount}。", " Given back to stored value: {amount}."),
    "told.coupon_back": ("优惠券“{name}”已退回。", " Coupon given back: {name}."),
    "told.coupon_back.until": (
        "优惠券“{name}”已退回，有效期延长至{date}。",
        " Coupon given back: {name}, now valid through {date}.",
    ),
    "told.wechat_back": ("微信支付的{amount}将原路退回。", " Paid by WeChat Pay, on its way back: {amount}."),
    "told.balance_after": ("储值余额{amount}。", " Stored value now: {amount}."),
    "told.spent.stored": ("储值{amount}", "Balance {amount}"),
    "told.spent.points": ("积分{points}", "Points {points}"),
    "told.spent.none": ("无", "None"),
    "message.welcomed.title": ("欢迎加入", "Welcome"),
    "message.welcomed.body": (
        "很高兴您成为我们的会员！结账时出示会员码即可。",
        "Good to have you as a member. Just show your member code when you pay.",
    ),
    "message.activity_reward.title": ("活动奖励到账", "A reward for you"),
    "message.activity_reward.body": ("“{name}”送您{gives}。", "“{name}” brought you {gives}."),
    "told.gift.points": ("{n:,}积分", "{n:,} points"),
    "told.gift.points.one": ("{n}积分", "{n} point"),
    "told.gift.coupons": ("{n}张“{name}”", "{n} × {name}"),
    "told.gift.chances": ("{n}次抽奖机会", "{n} lottery draws"),
    "told.gift.chances.one": ("{n}次抽奖机会", "{n} lottery draw"),
    "told.gift.until": ("（可用至{date}）", " (valid through {date})"),
    "message.reward_taken_back.title": ("活动奖励收回通知", "A reward was taken back"),
    "message.reward_taken_back.body": (
        "因对应的消费已退款，“{name}”送您的{gives}已收回。",
        "A purchase that “{name}” rewarded has been refunded, so this was taken back: {gives}.",
    ),
    "message.reward_taken_back.owed": (
        "其中{owed:,}积分已使用，将从下次获得的积分中扣除。",
        " Points of it already spent: {owed:,}; the next ones you get pay for them.",
    ),
    "message.coupons_recalled.title": ("优惠券收回通知", "Coupons taken back"),
    "message.coupons_recalled.body": (
        "您的{gone}已被收回，无法继续使用。如有疑问，请咨询门店。",
        "Taken back, and no longer valid: {gone}. If you have questions, please ask at any store.",
    ),
    "message.coupons_recalled.many": (
        "您的{gone}等共{count:,}张优惠券已被收回，无法继续使用。如有疑问，请咨询门店。",
        "Taken back, and no longer valid: {gone} and others, {count:,} coupons in all."
        " If you have questions, please ask at any store.",
    ),
    "message.reward_cancelled.title": ("兑换取消通知", "Your exchange was cancelled"),
    "message.reward_cancelled.body": (
        "您兑换的“{name}”{why}。",
        "Your exchange for {name} was cancelled {why}.",
    ),
    "told.cancelled.staff": ("已由工作人员取消", "by our staff"),
    "told.cancelled.expired": ("逾期未领取，已取消", "because it was not picked up in time"),
    "told.cancelled.failed": (
        "付款后未能完成，已取消",
        "because it could not be completed after you had paid",
    ),
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
    "message.top_up.points": ("获得{points:,}积分。", " Points: {points:,}."),
    "message.top_up.to_come": (
        "另有赠金{amount}将陆续到账。",
        " Bonus still to come: {amount}.",
    ),
    "message.email_code.title": ("邮箱验证", "Your e-mail address"),
    "message.email_code.body": (
        "验证邮件可能未能送达，请检查邮箱地址后重新获取。",
        "The letter with your code may not have arrived. Please check the address and ask for another.",
    ),
    "email_code.subject": ("{brand}：邮箱验证码", "{brand}: your code"),
    "email_code.text": (
        "您的验证码是 {code}，30 分钟内有效。如非本人操作，请忽略此邮件。\n\n{brand}\n",
        "Your code is {code}. It is good for 30 minutes. If you did not ask for it, ignore this letter.\n\n{brand}\n",
    ),
}
