"""Error code → (Chinese, English): what stored value, top-ups and the second person refuse."""

VALUE_ERRORS: dict[str, tuple[str, str]] = {
    "adjustment_too_large": (
        "超出单次可调整的积分上限。",
        "That is more than may be adjusted at once.",
    ),
    "approval_decided": ("该审批已有结论。", "This request has been decided."),
    "approval_expired": ("该审批已过期，请重新提交。", "This request has expired. Please ask again."),
    "approval_outdated": (
        "情况已变化，无法再执行该申请，请拒绝后重新提交。",
        "Things have changed and this can no longer be carried out. Reject it and ask again.",
    ),
    "approver_depends_on_requester": (
        "您与申请人的账号近期有创建或修改关系，请由其他负责人审批。",
        "One of you has lately made or changed the other's account. Let somebody else approve.",
    ),
    "approver_vouched": (
        "您已为该申请担保，须由另一位同事审批。",
        "You have spoken for this request. Somebody else has to approve it.",
    ),
    "staff_pin_wrong": ("员工编号或 PIN 不正确。", "The staff number or the PIN is not right."),
    "staff_pin_too_weak": (
        "PIN 须为 6 位数字，至少含 3 个不同的数字，且不能是连续数字。",
        "A PIN has six digits, three different ones at least, and not one after the other.",
    ),
    "approver_is_requester": (
        "不能审批自己的申请，请由其他负责人处理。",
        "Nobody approves their own request. Ask somebody else.",
    ),
    "policy_malformed": ("设置内容有误，详见 problem。", "The policy is not right; see `problem`."),
    "balance_limit": (
        "超出储值账户余额上限，详见 most_fen。",
        "The account may not hold so much; see `most_fen`.",
    ),
    "top_up_amount": (
        "充值金额不在允许范围内，详见 least_fen 和 most_fen。",
        "This amount cannot be topped up; see `least_fen` and `most_fen`.",
    ),
    "offer_outdated": (
        "充值方案已变更或结束，请刷新后再试。",
        "The offer has changed or ended. Please look at the offers again.",
    ),
    "offer_used_up": (
        "该充值方案已达参与次数上限或仅限首次充值。",
        "This offer is for a first top-up only, or has been taken as often as one may.",
    ),
    "clerk_needed": (
        "该金额需要复核，请填写收银员工号。",
        "So much needs a second person: say who is at the till (`staff_no`).",
    ),
    "benefit_not_applicable": (
        "所选优惠不可用于此单。",
        "What was chosen cannot be applied to this bill.",
    ),
    "payment_not_offered": ("暂不支持在线充值。", "Paying online is not offered."),
    "payment_unavailable": (
        "微信支付暂时无法下单，没有扣款，请稍后再试。",
        "WeChat Pay does not open the order right now. Nothing was paid; please try again.",
    ),
    "payment_pending": (
        "正在确认支付结果，请稍后再看。",
        "WeChat Pay does not say yet how the order stands. Please look again in a moment.",
    ),
    "payment_unknown": ("没有这笔充值订单。", "There is no such order."),
    "payment_mismatch": (
        "支付金额与订单不符，已通知工作人员处理。",
        "Another amount than was ordered was paid. Somebody will look into it.",
    ),
    "no_wechat_identity": (
        "请在微信小程序内充值。",
        "Please top up in the WeChat mini-program.",
    ),
    "top_up_not_credited": (
        "该充值尚未入账，不能退款。",
        "This top-up is not in the books: there is nothing to refund.",
    ),
    "top_up_refund_exceeds": (
        "超出未使用的本金，详见 unused_fen。",
        "So much of it is not unused; see `unused_fen`.",
    ),
    "top_up_refund_nothing": (
        "扣除已用赠金后没有可退金额，详见 unused_fen 和 deducted_fen。",
        "After what is deducted nothing is left to pay back; see `unused_fen` and `deducted_fen`.",
    ),
    "top_up_refund_outdated": (
        "可退金额已变化，请重新试算，详见 amount_fen。",
        "It would be another amount by now; look at the arithmetic again. See `amount_fen`.",
    ),
    "top_up_refund_under_way": (
        "该充值有一笔退款正在处理中，请稍后再试。",
        "Another refund of this top-up is under way. Please wait for it.",
    ),
    "order_closed": (
        "该订单已支付或已关闭，请查看余额或重新下单。",
        "This order is paid or over. Look at the balance, or make a new one.",
    ),
}
