"""Error code → (Chinese, English): what codes, tickets, sales and refunds refuse at a till."""

TILL_ERRORS: dict[str, tuple[str, str]] = {
    "code_malformed": (
        "这不是会员码，请核对后重扫。",
        "This is not a member code. Please check and scan again.",
    ),
    "payment_code": (
        "这是付款码，请会员打开会员码。没有保存，也没有扣款。",
        "This is a payment code. Ask for the member code; nothing was kept and nothing was charged.",
    ),
    "code_forged": (
        "会员码无效，请会员重新打开会员码。",
        "This is not a valid code of ours. Ask the member to open the code again.",
    ),
    "code_not_yet": (
        "会员码尚未生效，请会员稍等片刻或刷新。",
        "This code is not valid yet. Ask the member to wait a moment or to refresh.",
    ),
    "code_expired": ("会员码已过期，请会员刷新。", "This code has expired. Ask the member to refresh it."),
    "code_revoked": ("会员码已作废，请会员刷新。", "This code was withdrawn. Ask the member to refresh it."),
    "member_not_active": (
        "该会员账号已停用，本单请按非会员结算。",
        "This membership is not active. Sell without it.",
    ),
    "code_replayed": (
        "会员码已使用过，请会员出示新的会员码。",
        "This code has been used. Ask the member for a new one.",
    ),
    "codes_used_up": (
        "这一分钟内的会员码已用完，请稍后再刷新。",
        "All codes of this minute are used. Please wait a moment and refresh.",
    ),
    "ticket_unknown": (
        "没有找到这次扫码，请在本机重新扫会员码。",
        "This scan is not known here. Please scan the member's code at this till.",
    ),
    "ticket_expired": (
        "扫码已超时，请重新扫会员码。",
        "The scan is too old. Please scan the member's code again.",
    ),
    "ticket_used": (
        "这次扫码已经用过，请重新扫会员码。",
        "This scan has been used already. Please scan the member's code again.",
    ),
    "ticket_earns_only": (
        "未扫会员码，不能使用会员的积分、储值等，请扫会员码后再试。",
        "The member's own code was not scanned, so nothing of theirs can be used. Please scan it.",
    ),
    "member_not_found": (
        "没有找到使用该手机号的会员，请核对号码。",
        "No member can be found by this number. Please check it.",
    ),
    "find_by_phone_off": (
        "品牌未开放按手机号查找会员，请扫会员码。",
        "Finding members by phone is switched off. Please scan the member's code.",
    ),
    "sale_has_member": ("这笔消费已登记会员。", "This sale has its member already."),
    "retro_credit_too_late": ("已超过可补登的期限。", "The time for crediting this sale afterwards is over."),
    "nothing_to_credit": (
        "这笔消费已全部退款，无可补登。",
        "Everything of this sale has been refunded; there is nothing to credit.",
    ),
    "shift_open": (
        "本机已有未交班的班次，请先交班。",
        "This till has an open shift. Close it first.",
    ),
    "refund_exceeds_sale": (
        "退货数量或金额超过该商品可退的部分。",
        "More than what is left of this line to refund.",
    ),
    "refund_by_line": (
        "这笔消费有商品明细，请按商品退款。",
        "This sale has lines. Say which of them come back.",
    ),
    "nothing_to_refund": ("这笔消费已全部退款。", "Everything of this sale has been refunded already."),
    "refund_too_late": ("已超过可退款的期限。", "The time for refunds of this sale is over."),
    "refund_pending": (
        "该笔消费已有退款申请待审批。",
        "Another refund of this sale waits for a second person.",
    ),
    "refund_no_used": (
        "本店已有这个退款单号，请换一个。",
        "This store already has a refund with that number. Use another.",
    ),
    "receipt_no_used": (
        "本店已有这个小票号，请核对或更换。",
        "The store already has a sale with this receipt number. Check it, or use another.",
    ),
    "offline_not_allowed": (
        "总部未开启离线收银上传，请联系店长；队列请保留。",
        "Uploading offline sales is switched off. Keep the queue and ask your manager.",
    ),
    "lines_do_not_sum": (
        "商品明细合计与总金额不符，详见 lines_fen。",
        "The lines do not come to the amount; see `lines_fen`.",
    ),
}
