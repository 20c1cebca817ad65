"""Error code → (Chinese, English): what automations refuse."""

AUTOMATION_ERRORS: dict[str, tuple[str, str]] = {
    "automation_malformed": (
        "自动触发规则有误，请检查 field 所指的位置。",
        "The automation does not fit together; look at the place that `field` names.",
    ),
    "automation_in_other_state": (
        "自动触发规则当前的状态不允许此操作。",
        "The automation is in a state in which this cannot be done.",
    ),
}
