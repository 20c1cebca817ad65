"""Error code → (Chinese, English): what rules of earning and of discount refuse besides."""

RULE_ERRORS: dict[str, tuple[str, str]] = {
    "rule_names_unknown": (
        "设置中有不存在的会员等级或门店，详见 what 和 unknown。",
        "It names tiers or stores that there are not; see `what` and `unknown`.",
    ),
}

#: Code and `reason` → (Chinese, English).
RULE_ERRORS_BY_REASON: dict[tuple[str, str], tuple[str, str]] = {
    ("forbidden", "all_stores"): (
        "这对所有门店生效，须在每家门店都有权限，详见 right；如能指定门店，请写明您负责的门店。",
        "This is about all stores and takes the right (see `right`) in each. Where stores can be named, name yours.",
    ),
}
