"""What does not fit together in a coupon, an item of the mall or an event: our `reason` → (Chinese, English), whole."""

OF_OFFERS: dict[str, tuple[str, str]] = {
    "picture_id: there is no such picture": (
        "没有 picture_id 所指的图片。",
        "picture_id: there is no such picture.",
    ),
    "no picture": (
        "文件已损坏，或不是 JPEG、PNG、WebP 图片。",
        "the file is broken, or no JPEG, PNG or WebP.",
    ),
    "too many pixels": (
        "像素过多：最多 1250 万，每边最多 12000。",
        "it has more than 12.5 million pixels, or than 12,000 on a side.",
    ),
    "Content-Type: none of the kinds that are taken": (
        "Content-Type 须为 image/jpeg、image/png 或 image/webp。",
        "Content-Type must be image/jpeg, image/png or image/webp.",
    ),
    "a time more than a hundred years away": (
        "时间不能在一百年以外。",
        "a time is more than a hundred years away.",
    ),
    "validity: has ended": ("validity 的 ends_at 已过。", "ends_at of validity has passed."),
    "validity: ends_at is not after begins_at": (
        "validity 的 ends_at 须晚于 begins_at。",
        "ends_at of validity must be after begins_at.",
    ),
    "claim_until: not after claim_from": (
        "claim_until 须晚于 claim_from。",
        "claim_until must be after claim_from.",
    ),
    "without_sale: only what is handed over can do without a sale": (
        "without_sale 只用于兑换券和赠品券：代金券和折扣券须随消费使用。",
        "without_sale is for what is handed over (free, gift); amount and percent need a sale.",
    ),
    "kind: an item stays what it is": (
        "商品的 kind 不能更改，请另建一个商品。",
        "kind of an item stays; make another item.",
    ),
    "kind: nothing that is given": ("没有这种 kind。", "there is no such kind."),
    "stock: a store stands there twice": ("stock 中门店重复。", "a store stands twice in stock."),
    "stock: what is given at once is in no store, and stands there once": (
        "优惠券和抽奖机会不分门店：stock 只填一项，store 为 null。",
        "a coupon or a chance has one entry in stock, with store null.",
    ),
    "stock: goods are in stores": (
        "实物商品的 stock 须填写门店。",
        "each entry of stock names its store: goods are in stores.",
    ),
    "tiers, tier_prices: no such tier": (
        "tiers 或 tier_prices 中有不存在的会员等级。",
        "tiers or tier_prices name a tier that there is not.",
    ),
    "gives_id: goods give nothing but themselves": (
        "实物商品不能填 gives_id。",
        "goods take no gives_id.",
    ),
    "gives_id: no such template of coupons": (
        "没有 gives_id 所指的优惠券。",
        "gives_id: there is no such template of coupons.",
    ),
    "gives_id: no such lottery": ("没有 gives_id 所指的抽奖。", "gives_id: there is no such lottery."),
    "available_until: not after available_from": (
        "available_until 须晚于 available_from。",
        "available_until must be after available_from.",
    ),
    "full_price: less than the price": (
        "full_price 不能低于 price。",
        "full_price must not be less than price.",
    ),
    "tier_prices: for members who do not see it": (
        "tier_prices 中有看不到该商品的等级，请检查 tiers。",
        "tier_prices name a tier that does not see the item; see tiers.",
    ),
    "sessions: at most {most}": ("最多 {most} 场。", "there may be {most} sessions at most."),
    "tiers: no such tier": ("tiers 中有不存在的会员等级。", "tiers name a tier that there is not."),
    "a time is not between the years 2000 and 2199": (
        "时间须在 2000 年至 2199 年之间。",
        "each time must be between the years 2000 and 2199.",
    ),
    "starts_at is in the past": ("starts_at 已过。", "starts_at has passed."),
    "closes_at is after starts_at": (
        "closes_at 不能晚于 starts_at。",
        "closes_at must not be after starts_at.",
    ),
    "closes_at is not after opens_at": (
        "closes_at 须晚于 opens_at。",
        "closes_at must be after opens_at.",
    ),
    "seats_each: there are not as many seats": (
        "seats_each 不能大于 seats。",
        "seats_each must not be more than seats.",
    ),
    "template_id: for a coupon there is one seat, and no points": (
        "用券报名时 points 须为 0，seats_each 须为 1。",
        "with template_id, points must be 0 and seats_each 1.",
    ),
    "template_id: no such template of coupons": (
        "没有 template_id 所指的优惠券。",
        "template_id: there is no such template of coupons.",
    ),
    "template_id: its coupons cannot be used without a purchase": (
        "template_id 所指的券须随消费使用，不能用于报名：请选 without_sale 的券。",
        "template_id: its coupons need a purchase; choose a template with without_sale.",
    ),
}
