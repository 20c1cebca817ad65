"""Error code → (Chinese, English): what the settlement between stores refuses."""

SETTLEMENT_ERRORS: dict[str, tuple[str, str]] = {
    "settlement_period": (
        "结算期须为已结束的完整营业日，详见 from 和 latest。",
        "A statement covers whole days that are over; see `from` and `latest`.",
    ),
    "settlement_open": (
        "已有一份未结的结算单，请先结清或删除。",
        "There is a draft already. Close or discard it first.",
    ),
    "settlement_state": (
        "结算单当前状态不允许此操作，详见 state。",
        "Not possible for a statement in this state; see `state`.",
    ),
    "settlement_not_last": (
        "之后已有结算单结清；差异会计入下一期。",
        "A later statement is closed. What is missing here goes into the next one.",
    ),
}
