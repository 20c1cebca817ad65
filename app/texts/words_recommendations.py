"""Why a product is recommended. Part of `TEXTS`."""

RECOMMENDATION_TEXTS: dict[str, tuple[str, str]] = {
    "recommended.bought_with": ("买过「{name}」的会员也常买", "Often bought with {name}"),
    "recommended.best_seller": ("大家都在买", "Popular with our members"),
}
