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
    "members: only a list has them": (
        "只有名单人群可以增减会员，规则人群不行。",
        "members are put into lists only; a segment by rule finds its own.",
    ),
    "rule: a segment by rule has one, and a list has none": (
        "规则人群须填 rule，名单人群不能填。",
        "a segment by rule has a rule, and a list has none.",
    ),
}
#: About one place in it, to stand behind the name of that place.
OF_A_SEGMENTS_PLACE: dict[str, tuple[str, str]] = {
    "only all, any, not, field, op, value and days belong there": (
        "只能有 all、any、not、field、op、value 和 days",
        "may have only all, any, not, field, op, value and days",
    ),
    "exactly one of all, any, not and field": (
        "须且只能有 all、any、not、field 中的一个",
        "must have exactly one of all, any, not and field",
    ),
    "op, value and days go with field": (
        "只有与 field 一起才能填 op、value 和 days",
        "may have op, value and days only with a field",
    ),
    "there is no such field": ("所指的条件项不存在", "is no field that can be asked for"),
    "op is one of {ops}": ("只能是：{ops}", "must be one of: {ops}"),
    "value is one of {words}": ("只能是：{words}", "must be one of: {words}"),
    "this field takes no days": (
        "不能填写，该条件不按天数计算",
        "must be left out: this field takes no days",
    ),
    "this field needs days": ("必填，该条件须指定天数", "is required: this field needs days"),
    "between: the second is smaller than the first": (
        "的第二个数不能小于第一个",
        "must not have a second number smaller than the first",
    ),
    "control characters are not allowed": ("不能含有控制字符", "must not have control characters"),
    "there is no such tier": ("所指的会员等级不存在", "is no tier"),
    "there is no such store": ("所指的门店不存在", "is no store"),
    "there is no such coupon_template": ("所指的优惠券不存在", "is no coupon template"),
    "there is no such campaign": ("所指的营销活动不存在", "is no campaign"),
    "there is no such list": ("所指的名单不存在", "is no list of members"),
}
