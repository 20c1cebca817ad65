"""The words of the screens that cover the till: a word for the whole screen, and what to do. Part of `TEXTS`."""

REFUSALS: dict[str, tuple[str, str]] = {
    "refused.next": ("知道了", "OK"),
    "refused.again": ("再试一次", "Try again"),
    "refused.back": ("返回收银台", "Back to the till"),
    "refused.other.word": ("无法继续", "This did not work"),
    "refused.request": ("编号", "Reference"),
    "refused.code_replayed.word": ("已使用", "Already used"),
    "refused.code_replayed.advice": (
        "这个会员码已经用过一次。请会员打开会员码页面，等新的码出来再扫。",
        "This code has been used once. Ask the member to open the code page and show the new one.",
    ),
    "refused.code_expired.word": ("已过期", "Expired"),
    "refused.code_expired.advice": (
        "会员码只在短时间内有效。请会员刷新会员码，不要用截图。",
        "Codes live about a minute. Ask the member to refresh the code; a screenshot does not work.",
    ),
    "refused.code_revoked.word": ("已作废", "Withdrawn"),
    "refused.code_revoked.advice": (
        "这个会员码已被更换。请会员刷新后重新出示。",
        "This code was replaced. Ask the member to refresh and show the new one.",
    ),
    "refused.code_not_yet.word": ("未到时间", "Not valid yet"),
    "refused.code_not_yet.advice": (
        "请会员等片刻再出示，或联网后刷新会员码。",
        "Ask the member to wait a moment, or to go online and refresh the code.",
    ),
    "refused.code_malformed.word": ("不是会员码", "Not a member code"),
    "refused.code_malformed.advice": (
        "请扫会员码页面上的二维码。手动输入时请核对每一位数字。",
        "Scan the QR code of the member page. If you typed it, check each digit.",
    ),
    "refused.code_forged.word": ("无效会员码", "Not valid"),
    "refused.code_forged.advice": (
        "这不是本店系统发出的有效会员码。请会员从小程序重新打开会员码。",
        "This is not a valid code of ours. Ask the member to open the code page again.",
    ),
    "refused.coupon_not_redeemable.word": ("这张券不能用", "This coupon cannot be used"),
    "refused.own_membership.word": ("本人会员", "Your own membership"),
    "refused.own_membership.advice": (
        "这是您本人的会员账户，不能给自己送优惠券。请由同事或店长处理。",
        "This membership is your own: you cannot give yourself a coupon. Ask a colleague or your manager.",
    ),
    "refused.member_not_active.word": ("会员不可用", "Member not active"),
    "refused.member_not_active.advice": (
        "该会员目前不能使用会员权益。可以按非会员结账，并请会员联系客服。",
        "This membership cannot be used now. Sell without member and refer the customer to customer service.",
    ),
    "refused.payment_code.word": ("这是付款码", "A payment code"),
    "refused.payment_code.advice": (
        "扫到的是微信、支付宝或云闪付的付款码，没有保存，也没有扣款。请会员打开会员码页面。",
        "That was a WeChat, Alipay or UnionPay payment code. It was not kept and nothing was charged."
        " Ask the member to open the member code.",
    ),
    "refused.too_many_requests.word": ("请稍候", "Please wait"),
    "refused.too_many_requests.advice": (
        "这台收银台短时间内扫到太多无效的码，最多 {minutes} 分钟后可以再扫。现在可以按非会员结账。",
        "This till has read too many bad codes. Scanning works again within {minutes} minute(s);"
        " until then sell without member.",
    ),
    "refused.busy.word": ("系统正忙", "Busy"),
    "refused.busy.advice": (
        "还没有完成。请再试一次：同一笔不会重复记录。",
        "Not done yet. Try again: the same sale or scan is never counted twice.",
    ),
    "refused.database_unavailable.word": ("系统正忙", "Busy"),
    "refused.database_unavailable.advice": (
        "系统暂时无法连接。请稍等后再试一次：同一笔不会重复记录。",
        "The system cannot be reached. Wait a moment and try again: nothing is counted twice.",
    ),
    "refused.internal_error.word": ("系统出错", "Something went wrong"),
    "refused.internal_error.advice": (
        "可以再试一次：同一笔不会重复记录。若仍不行，请把下面的编号告诉技术人员。",
        "You may try again: nothing is counted twice. If it stays, tell support the reference below.",
    ),
    "refused.idempotency_key_reused.word": ("这笔已记录", "Already recorded"),
    "refused.idempotency_key_reused.advice": (
        "这笔销售已经按第一次提交的内容记录，修改后的内容没有记录。请取消后为下一位顾客结账。",
        "This sale was recorded as first sent; the change was not. Cancel here and go on with the next customer.",
    ),
    "refused.quote_used.word": ("这笔已记录", "Already recorded"),
    "refused.quote_used.advice": (
        "这个应收金额已经记录为一笔销售。请取消后为下一位顾客结账。",
        "This has become a sale already. Cancel here and go on with the next customer.",
    ),
    "refused.form_foreign.word": ("页面已过期", "Page out of date"),
    "refused.form_foreign.advice": (
        "登录已更换或页面太旧。请重新载入页面后再试，没有任何内容被记录。",
        "The sign-in changed or the page is old. Reload the page and try again; nothing was recorded.",
    ),
    "refused.forbidden.word": ("没有权限", "Not allowed"),
    "refused.forbidden.advice": (
        "您已没有在本店收银的权限。请退出后重新登录，或联系店长。",
        "You may no longer sell in this store. Sign in again or ask your manager.",
    ),
    "refused.sign_in": ("重新登录", "Sign in again"),
    "lost.word": ("没有收到答复", "No answer"),
    "lost.advice": (
        "不确定刚才的操作是否成功。请点“再试一次”：完全安全，同一笔只会记录一次。",
        "It is not known whether that went through. Press “Try again”: it is safe, the same sale counts once.",
    ),
}
