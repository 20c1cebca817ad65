"""Error code → (Chinese, English): what campaigns refuse."""

CAMPAIGN_ERRORS: dict[str, tuple[str, str]] = {
    "campaign_malformed": (
        "营销活动内容有误，请检查 field 所指的位置。",
        "The campaign does not fit together; look at the place that `field` names.",
    ),
    "campaign_in_other_state": (
        "营销活动当前的状态不允许此操作。",
        "The campaign is in a state in which this cannot be done.",
    ),
}
