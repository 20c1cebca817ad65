"""Benefits: what they take off, and why they count or do not. Key → (Chinese, English)."""

BENEFIT_TEXTS: dict[str, tuple[str, str]] = {
    "benefit.at_least": ("满 {least}", "from {least}"),
    "benefit.at_least_pieces": ("满 {pieces} 件", "from {pieces} pieces"),
    "benefit.percent": ("打 {value} 折", "{value}% off"),
    "benefit.free": ("免费", "free"),
    "benefit.free_pieces": ("免费兑换 {pieces} 件", "free of charge, pieces: {pieces}"),
    "benefit.most": ("最多减 {most}", "at most {most}"),
    "benefit.amount": ("减 {off}", "{off} off"),
    "benefit.per_full": ("每满 {every} 减 {off}", "{off} off for every {every}"),
    "benefit.most_times": ("最多 {times} 次", "at most {times} times"),
    "benefit.price": ("每件 {price}", "{price} each"),
    "benefit.applied": ("已享“{name}”，减 {off}", "{name}: {off} off"),
    "benefit.no_matching_goods": ("没有适用“{name}”的商品", "Nothing here that {name} is for"),
    "benefit.below_threshold.fen": ("再买 {missing} 可享“{name}”", "Buy for {missing} more to get {name}"),
    "benefit.below_threshold.pieces": (
        "再买 {pieces} 件可享“{name}”",
        "Pieces still needed for {name}: {pieces}",
    ),
    "benefit.below_threshold.fen.pieces": (
        "再买 {pieces} 件且满 {missing} 可享“{name}”",
        "Buy for {missing} more to get {name}; pieces still needed: {pieces}",
    ),
    "benefit.no_saving": ("已低于“{name}”的价格", "{name} would take nothing off any more"),
    "benefit.not_combinable": ("“{name}”不能与“{other}”同享", "{name} does not go with {other}"),
    "benefit.less_than_others": ("不用“{name}”更优惠", "It is cheaper without {name}"),
    "benefit.refused": ("未选用“{name}”", "{name} was not wanted"),
    "benefit.unknown": ("没有这项优惠", "There is no such benefit"),
    "benefit.members_only": ("“{name}”仅限会员", "{name} is for members only"),
    "benefit.not_here": ("“{name}”不适用于本店", "{name} does not hold in this store"),
    "benefit.not_your_tier": ("“{name}”不适用于该会员等级", "{name} is for another tier"),
    "benefit.balance_too_low": (
        "“{name}”仅限储值余额达标的会员",
        "{name} is for members who hold enough stored value",
    ),
    "benefit.not_birthday": ("“{name}”仅限生日使用", "{name} is for birthdays"),
    "benefit.not_now": ("“{name}”不在适用时段", "{name} does not hold at this time"),
}
