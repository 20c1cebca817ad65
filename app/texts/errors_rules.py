"""Error code → (Chinese, English): what rules of earning and of discount refuse besides."""

RULE_ERRORS: dict[str, tuple[str, str]] = {
    "rule_names_unknown": (
        "规则中有不存在的会员等级或门店，详见 what 和 unknown。",
        "The rule names tiers or stores that there are not; see `what` and `unknown`.",
    ),
}
