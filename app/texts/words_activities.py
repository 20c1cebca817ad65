"""Key → (Chinese, English): what activities say."""

ACTIVITY_TEXTS: dict[str, tuple[str, str]] = {
    "entry.activity": ("活动赠送", "A gift of an activity"),
    "entry.activity.named": ("活动赠送：{name}", "Activity reward: {name}"),
    "entry.activity_back": ("活动赠送收回", "A gift of an activity taken back"),
    "entry.activity_back.named": ("活动赠送收回：{name}", "Activity reward taken back: {name}"),
    "entry.lottery": ("抽奖", "A draw in a lottery"),
    "entry.make_up": ("补签", "A missed day made up"),
    "house.points_played": ("活动消耗积分", "Points spent in activities"),
}
