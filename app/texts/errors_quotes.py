"""Error code → (Chinese, English): what quotes, tenders and the member's word refuse."""

QUOTE_ERRORS: dict[str, tuple[str, str]] = {
    "tenders_do_not_sum": (
        "各支付方式合计与应付金额不符。",
        "The tenders do not come to what is to be paid.",
    ),
    "quote_unknown": ("没有找到这份报价。", "There is no such quote at this till."),
    "quote_expired": ("报价已过期，请重新计算。", "The quote has expired. Please make another one."),
    "quote_used": ("该报价已完成收款。", "The quote has become a sale already."),
    "quote_not_confirmed": (
        "会员尚未在手机上确认使用储值或积分。",
        "The member has not confirmed the spending on the phone.",
    ),
    "quote_outdated": (
        "会员账户有变动，请重新计算。",
        "The member's account has changed. Please make another quote.",
    ),
    "confirmation_decided": ("您已经作出了选择。", "This has been decided before."),
    "more_than_taken": ("退还的数量超过已使用的数量。", "More would go back than was spent."),
}
