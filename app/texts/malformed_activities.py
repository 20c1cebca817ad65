"""What does not fit together in an activity or a template's form: our `reason` → (Chinese, English), whole."""

#: Read in this order: the first that fits tells.
OF_ACTIVITIES: dict[str, tuple[str, str]] = {
    "{field}: this template does not ask for it": (
        "这个模板不需要填 {field}。",
        "this template does not ask for {field}.",
    ),
    "{field}: whole, {low} to {high}": (
        "{field} 须为 {low} 到 {high} 之间的整数。",
        "{field} must be a whole number from {low} to {high}.",
    ),
    "{field}: ids, {low} to {high}": (
        "{field} 须为 {low} 到 {high} 个编号的列表。",
        "{field} must be a list of {low} to {high} ids.",
    ),
    "{field}: id, {low} to {high}": ("{field} 须为编号。", "{field} must be an id."),
    "{field}: it is missing": ("{field} 必填。", "{field} is required."),
    "ends_at: this one needs an end": (
        "ends_at 必填：这类活动须有结束时间。",
        "ends_at is required: this one needs an end.",
    ),
    "ends_at: it is over": ("ends_at 已过。", "ends_at has passed."),
    "ends_at is not after starts_at": ("ends_at 须晚于 starts_at。", "ends_at must be after starts_at."),
    "{field}: there is no such reward item": (
        "{field} 中有不存在的兑换商品。",
        "{field}: there is no such reward item.",
    ),
    "values.items: one of them is in none of the stores": (
        "values.items 中有商品在所选门店都没有库存。",
        "values.items: one of them is in none of the stores.",
    ),
    "tiers: none of them sees one of the items": (
        "所选 tiers 都看不到其中一件商品。",
        "tiers: none of them sees one of the items.",
    ),
    "kind: an activity stays of its kind": (
        "活动的 kind 不能更改，请另建一个活动。",
        "an activity stays of its kind; make another one.",
    ),
    "a lottery has no budget: the stock of its prizes is one": (
        "抽奖不设预算，奖品库存就是预算。",
        "a lottery has no budget: the stock of its prizes is one.",
    ),
    "points_most: without a rule of earning it gives no points": (
        "points_most：没有积分规则的促销不送积分，无需设置积分预算。",
        "points_most: without a rule of earning it gives no points.",
    ),
    "values.budget_fen: nothing is taken off": (
        "values.budget_fen：没有填写折扣，无需设置优惠预算。",
        "values.budget_fen: nothing is taken off.",
    ),
    "values.make_up_points: no day can be made up": (
        "values.make_up_points：没有设置每月可补签天数，无需填写补签消耗的积分。",
        "values.make_up_points: no day can be made up.",
    ),
    "coupons_most: a promotion gives no coupons": (
        "促销活动不发券，不能填 coupons_most。",
        "coupons_most: a promotion gives no coupons.",
    ),
    "{field}_most: more is given already": (
        "{field}_most 少于已发放的数量。",
        "{field}_most: more is given already.",
    ),
    "about: there is no such activity": ("没有 about 所指的活动。", "about: there is no such activity."),
    "an activity of kind {kind} has {field}, and nothing else": (
        "{kind} 类活动须填 {field}，且只填这一项。",
        "an activity of kind {kind} has {field}, and nothing else.",
    ),
    "conditions: an activity asks for no goods": (
        "活动的 conditions 不能按商品设置。",
        "conditions: an activity asks for no goods.",
    ),
    "reward: there is no such coupon_template": (
        "没有 reward 所指的优惠券。",
        "reward: there is no such coupon_template.",
    ),
    "reward: there is no such lottery": ("没有 reward 所指的抽奖。", "reward: there is no such lottery."),
    "reward: a lottery gives chances in itself only": (
        "抽奖的奖品只能是本抽奖的机会。",
        "reward: a lottery gives chances in itself only.",
    ),
    "reward: it gives nothing": ("reward 什么都没有给。", "reward: it gives nothing."),
    "reward: coupons and coupon_template go together": (
        "reward 中 coupons 和 coupon_template 须同时填写。",
        "in reward, coupons and coupon_template go together.",
    ),
    "reward: chances and lottery go together": (
        "reward 中 chances 和 lottery 须同时填写。",
        "in reward, chances and lottery go together.",
    ),
    "reward: lifetime_days goes with points": (
        "reward 中有 points 才能填 lifetime_days。",
        "in reward, lifetime_days goes with points.",
    ),
    "fallback: there is no such prize": ("没有 fallback 所指的奖品。", "fallback: there is no such prize."),
    "fallback: it must never be used up, so it has neither stock nor coupons": (
        "fallback 所指的奖品不能发完，因此不能有 stock，也不能是优惠券。",
        "fallback: it must never be used up, so it has neither stock nor coupons.",
    ),
    "factor_bp, points: one of them": (
        "factor_bp 和 points 只能填一项。",
        "only one of factor_bp and points.",
    ),
    "promotion: it has neither a rule nor items": (
        "促销活动须有 factor_bp、points 或 items。",
        "a promotion needs factor_bp, points or items.",
    ),
    "per_day: it limits points, and there are none": (
        "没有积分规则，不能填 per_day。",
        "per_day: it limits points, and there are none.",
    ),
    "points_at_least: rules of earning do not ask for it": (
        "促销活动不能填 points_at_least。",
        "points_at_least: a promotion does not ask for it.",
    ),
    "items: they have stores of their own": (
        "有 items 时不能填门店：商品自有门店。",
        "items have stores of their own; name none.",
    ),
    "items: one stands there twice": ("items 中有重复的商品。", "items: one stands there twice."),
    "question {number}: there are at least two options": (
        "第 {number} 题至少要有两个选项。",
        "question {number} needs at least two options.",
    ),
    "question {number}: {kind} has no options": (
        "第 {number} 题（{kind}）不能有选项。",
        "question {number}: {kind} has no options.",
    ),
    "question {number}: at_least and at_most fit no options": (
        "第 {number} 题的 at_least 和 at_most 与选项数不符。",
        "question {number}: at_least and at_most do not fit its options.",
    ),
    "question {number}: at_least and at_most go with multiple": (
        "第 {number} 题不是多选题，不能填 at_least 和 at_most。",
        "question {number}: at_least and at_most go with multiple.",
    ),
    "values.{field}: {kind}, {low} to {high}": (
        "values.{field} 须为 {kind}，{low} 到 {high}。",
        "values.{field} must be {kind}, {low} to {high}.",
    ),
}
