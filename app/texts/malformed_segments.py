"""What does not fit together in a segment's rule: our `reason` → (Chinese, English)."""

#: About the whole of it.
OF_SEGMENTS: dict[str, tuple[str, str]] = {
    "rule: deeper than {most} levels": (
        "规则嵌套不能超过 {most} 层。",
        "the rule is nested deeper than {most} levels.",
    ),
    "rule: more than {most} conditions": (
        "规则不能超过 {most} 个条件。",
        "the rule has more than {most} conditions.",
    ),
    "rule: only all, any, not, field, op, value and days belong there": (
        "规则中只能有 all、any、not、field、op、value 和 days。",
        "only all, any, not, field, op, value and days belong in a rule.",
    ),
    "rule: a segment by rule has one, and a list has none": (
        "规则人群须填 rule，名单人群不能填。",
        "a segment by rule has a rule, and a list has none.",
    ),
}
#: About one place in it, to stand behind the name of that place.
OF_A_SEGMENTS_PLACE: dict[str, tuple[str, str]] = {
    "exactly one of all, any, not and field": (
        "须且只能有 all、any、not、field 中的一个",
        "must have exactly one of all, any, not and field",
    ),
    "op, value and days go with field": (
        "只有与 field 一起才能填 op、value 和 days",
        "may have op, value and days only with a field",
    ),
    "there is no such field": ("没有这个条件项", "is no field that can be asked for"),
    "op is one of {ops}": ("只能是：{ops}", "must be one of: {ops}"),
    "value is one of {words}": ("只能是：{words}", "must be one of: {words}"),
    "this field takes no days": ("该条件不能填天数", "must be left out: this field takes no days"),
    "this field needs days": ("该条件须填天数", "is required: this field needs days"),
    "between: the second is smaller than the first": (
        "的第二个数不能小于第一个",
        "must not have a second number smaller than the first",
    ),
    "control characters are not allowed": ("不能含有控制字符", "must not have control characters"),
    "there is no such tier": ("没有这个会员等级", "is no tier"),
    "there is no such store": ("没有这家门店", "is no store"),
    "there is no such coupon_template": ("没有这种优惠券", "is no coupon template"),
    "there is no such list": ("没有这个名单", "is no list of members"),
}
