"""What does not fit together in what is set up: the machine's `reason` in words for people.

`reason` is what the reader of types says, or a line of ours, and stays as it is: programs may compare it. `{…}` are
names of fields, bounds and choices, which are ours too; what was sent is quoted nowhere.
"""

import re

from app.texts.malformed_activities import OF_ACTIVITIES
from app.texts.malformed_campaigns import OF_A_CAMPAIGNS_PLACE
from app.texts.malformed_offers import OF_OFFERS
from app.texts.malformed_segments import OF_A_SEGMENTS_PLACE, OF_SEGMENTS

#: What is malformed: code → (Chinese, English) before the fault.
_OPENINGS: dict[str, tuple[str, str]] = {
    "rule_malformed": ("规则有误：", "The rule does not fit together: "),
    "offer_malformed": ("充值方案有误：", "The offer does not fit together: "),
    "tier_plan_malformed": ("会员等级方案有误：", "The plan of tiers does not fit together: "),
    "policy_malformed": ("设置内容有误：", "The policy is not right: "),
    "event_malformed": ("活动设置有误：", "The event does not fit together: "),
    "activity_malformed": ("活动设置有误：", "The activity does not fit together: "),
    "picture_malformed": ("图片无法使用：", "The picture cannot be taken: "),
    "reward_malformed": ("兑换商品设置有误：", "The item does not fit together: "),
    "segment_malformed": ("人群规则有误：", "The segment does not fit together: "),
    "campaign_malformed": ("营销活动有误：", "The campaign does not fit together: "),
    "automation_malformed": ("自动触发规则有误：", "The automation does not fit together: "),
    "coupon_malformed": ("券的内容有误：", "What the coupon promises does not fit together: "),
}

#: Of one field: the reader's sentence → (Chinese, English), to stand behind the field's name.
_OF_A_FIELD: dict[str, tuple[str, str]] = {
    "Object missing required field `{field}`": ("必填", "is required"),
    "Object contains unknown field `{field}`": ("没有这个字段", "is not a field there"),
    "Expected `{kind}`, got `{sent}`": ("须为{kind}", "must be {kind}"),
    "Expected `{kind}` >= {low}": ("不能小于 {low}", "must be {low} or more"),
    "Expected `{kind}` > {low}": ("须大于 {low}", "must be more than {low}"),
    "Expected `{kind}` <= {high}": ("不能大于 {high}", "must be {high} or less"),
    "Expected `{kind}` < {high}": ("须小于 {high}", "must be less than {high}"),
    "Expected `{kind}` of length >= {low}": ("长度不能小于 {low}", "must have a length of {low} or more"),
    "Expected `{kind}` of length <= {high}": ("长度不能超过 {high}", "must have a length of {high} or less"),
    "Expected `{kind}` matching regex {pattern}": ("写法不正确", "is not written as it must be"),
    "Invalid enum value {sent}": ("不在可选范围内", "is none of those that may be chosen"),
    "Invalid value {sent}": ("不在可选范围内", "is none of those that may be chosen"),
    "Invalid RFC3339 encoded {kind}": ("须为{kind}", "must be {kind}"),
    "Integer value out of range": ("数字过大", "is too large"),
}
_KINDS: dict[str, tuple[str, str]] = {
    "int": ("整数", "a whole number"),
    "float": ("数字", "a number"),
    "str": ("文本", "text"),
    "bool": (" true 或 false", "true or false"),
    "array": ("列表", "a list"),
    "object": (" JSON 对象", "a JSON object"),
    "null": (" null", "null"),
    "date": ("日期", "a date"),
    "datetime": ("带时区的时间", "a time with its zone"),
}

#: Sentences of ours about several fields, whole.
_WHOLE: dict[str, tuple[str, str]] = {
    "time_of_day: from and until are the same": (
        "time_of_day 的起止时刻相同。",
        "time_of_day begins and ends at the same time.",
    ),
    "monthdays: there is no day 0": ("monthdays 中没有第 0 日。", "monthdays has no day 0."),
    "expiry: {kind} takes no n": ("expiry 为 {kind} 时不能填 n。", "expiry of kind {kind} takes no n."),
    "expiry: {kind} needs an n of 1 to {most}": (
        "expiry 为 {kind} 时须填 n，在 1 到 {most} 之间。",
        "expiry of kind {kind} needs an n of 1 to {most}.",
    ),
    "effect: off_fen is more than every_fen": (
        "effect 中 off_fen 不能大于 every_fen。",
        "in effect, off_fen must not be more than every_fen.",
    ),
    "kind and applies_to of a rule stay: make another rule": (
        "规则的 kind 和 applies_to 不能更改，请另建一条规则。",
        "kind and applies_to of a rule stay; make another rule.",
    ),
    "effective_from, effective_until: more than a hundred years away": (
        "effective_from 或 effective_until 在一百年以后。",
        "effective_from or effective_until is more than a hundred years away.",
    ),
    "effective_until: not after effective_from": (
        "effective_until 须晚于 effective_from。",
        "effective_until must be after effective_from.",
    ),
    "effective_from: in the past, or more than a hundred years away": (
        "effective_from 在过去，或在一百年以后。",
        "effective_from is in the past, or more than a hundred years away.",
    ),
    "{field} belongs to rules of kind {kind}": (
        "{field} 只用于 {kind} 类规则。",
        "{field} belongs to rules of kind {kind}.",
    ),
    "bonus_fen, points, coupon_count: one of them above 0 is needed": (
        "bonus_fen、points 和 coupon_count 至少有一项大于 0。",
        "bonus_fen, points or coupon_count must be above 0.",
    ),
    "coupon_template_id and coupon_count: both or none": (
        "coupon_template_id 和 coupon_count 须同时填写，或都不填。",
        "coupon_template_id and coupon_count go together.",
    ),
    "coupon_template_id: there is no such template": (
        "没有 coupon_template_id 所指的优惠券。",
        "coupon_template_id: there is no such template.",
    ),
    "coupon_template_id: the template is not live": (
        "coupon_template_id 所指的优惠券未上架。",
        "coupon_template_id: the template is not live.",
    ),
    "tiers: the coupon template {template} is {state}, not live": (
        "等级礼中的优惠券 {template} 未上架（{state}）。",
        "tiers: the coupon template {template} is {state}, not live.",
    ),
    "tiers: a coupon comes with points, of which there are none": (
        "等级礼中的优惠券须与积分一起发放，但没有设置积分。",
        "tiers: a coupon comes with points, of which there are none.",
    ),
    "bonus_fen, points: at most pay_fen of each": (
        "bonus_fen 和 points 都不能大于 pay_fen。",
        "neither bonus_fen nor points may be more than pay_fen.",
    ),
    "bonus_parts: more than there are fen": (
        "bonus_parts 多于赠金的分数，无法分期。",
        "bonus_parts is more than there are fen of bonus.",
    ),
    "tiers: the first is {code}, from 0 on and without a gift for reaching it": (
        "第一个等级须为 {code}，从 0 起，没有升级礼。",
        "the first tier is {code}, from 0 on and without a gift for reaching it.",
    ),
    "tiers: each needs more than the one before it": (
        "每个等级的门槛须高于前一个。",
        "each tier needs more than the one before it.",
    ),
    "tiers: a code stands there twice": ("等级代码重复。", "a tier's code stands there twice."),
    "growth: nothing would ever grow": ("growth 的两项不能都为 0。", "growth needs one of its two above 0."),
    "window: {kind} takes no n": ("window 为 {kind} 时不能填 n。", "window of kind {kind} takes no n."),
    "window: {kind} needs an n of 1 to {most}": (
        "window 为 {kind} 时须填 n，在 1 到 {most} 之间。",
        "window of kind {kind} needs an n of 1 to {most}.",
    ),
    "grace_days: longer than the period it comes after": (
        "grace_days 长于其所属的周期。",
        "grace_days is longer than the period it comes after.",
    ),
}


def _compiled(sentences: dict[str, tuple[str, str]]) -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(sentence)), re.DOTALL), pair)
        for sentence, pair in sentences.items()
    ]


_FIELD_PATTERNS = _compiled(_OF_A_FIELD | OF_A_SEGMENTS_PLACE | OF_A_CAMPAIGNS_PLACE)
_WHOLE_PATTERNS = _compiled(_WHOLE | OF_ACTIVITIES | OF_SEGMENTS | OF_OFFERS)
_PLACE = re.compile(r"(?P<fault>.*) - at `(?P<place>.*)`", re.DOTALL)


def malformed_text(code: str, reason: str, language: str) -> str | None:
    """The whole sentence in `zh` or `en`; None for a code or a reason that is not spoken of here."""
    opening = _OPENINGS.get(code)
    told = None if opening is None else _whole(reason, language) or _of_a_field(reason, language)
    return None if opening is None or told is None else opening[language == "en"] + told


def _whole(reason: str, language: str) -> str | None:
    for pattern, pair in _WHOLE_PATTERNS:
        if match := pattern.fullmatch(reason):
            return pair[language == "en"].format(**match.groupdict())
    return None


def _of_a_field(reason: str, language: str) -> str | None:
    placed = _PLACE.fullmatch(reason)
    fault, place = (placed["fault"], placed["place"]) if placed else (reason, "$")
    for pattern, pair in _FIELD_PATTERNS:
        if match := pattern.fullmatch(fault):
            values = match.groupdict()
            words = pair[language == "en"].format(**{**values, "kind": _kind(values, language)})
            return _sentence(_name(place, values.get("field")), words, language)
    return None


def _name(place: str, field: str | None) -> str:
    """`$.levels[0]` and `code` are levels[0].code; of something in a set only the set can be told."""
    path = place.removeprefix("$").removeprefix(".").replace("[...]", "")
    return ".".join(part for part in (path, field) if part)


def _sentence(name: str, words: str, language: str) -> str:
    if language == "en":
        return f"{name or 'it'} {words}."
    return f"{name} {words}。" if name else f"{words}。"


def _kind(values: dict[str, str], language: str) -> str:
    """`int | null` is a whole number or null."""
    kinds = [_KINDS.get(kind, (kind, kind))[language == "en"] for kind in values.get("kind", "").split(" | ")]
    return (" or " if language == "en" else "或").join(kinds)
