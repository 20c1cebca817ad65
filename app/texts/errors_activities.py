"""Error code → (Chinese, English): what activities refuse."""

ACTIVITY_ERRORS: dict[str, tuple[str, str]] = {
    "activity_malformed": (
        "活动设置有误，详见 reason。",
        "The activity does not fit together; see `reason`.",
    ),
    "activity_live": ("活动正在进行，请先停止再修改。", "The activity is on. Stop it before changing it."),
    "rule_of_activity": (
        "该规则属于某个活动，请修改或停止该活动。",
        "This rule belongs to an activity: change or stop that.",
    ),
    "activity_not_open": ("活动未开始、已结束，或不适用于您。", "This is not on at present, or not for you."),
    "activity_used_up": ("活动名额已用完。", "All that this activity had to give has been given."),
    "already_checked_in": ("这一天已签到。", "That day has been checked in already."),
    "cannot_make_up": ("这一天不能补签。", "That day cannot be made up."),
    "make_ups_used_up": ("本月补签次数已用完。", "No more days can be made up this month."),
    "membership_taken": ("该会员已登记为另一名员工。", "That membership is another person's."),
    "no_chances": ("没有抽奖机会了。", "There are no chances left."),
    "draw_limit_reached": ("今天的抽奖次数已用完。", "No more draws today. Come back tomorrow."),
    "lottery_not_for_points": ("本活动只能使用抽奖机会。", "This lottery is played with chances only."),
    "lottery_round_times": ("场次时间有误，详见 reason。", "The round cannot be at that time; see `reason`."),
    "lottery_rounds_used_up": ("可开的场次已用完。", "The lottery has had all the rounds it may have."),
    "lottery_seed_not_revealed": (
        "本场尚未结束，随机种子尚未公布。",
        "The seed is told once the round is over.",
    ),
}
