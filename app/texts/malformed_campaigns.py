"""What does not fit in a campaign or an automation: our `reason` → (Chinese, English), behind the name of the place."""

OF_A_CAMPAIGNS_PLACE: dict[str, tuple[str, str]] = {
    "the channel needs it": ("必填，所选渠道需要这部分内容", "is required: the channel needs it"),
    "it belongs to another channel": ("不属于所选渠道", "belongs to another channel"),
    "blank": ("不能为空", "must not be blank"),
    "signs that cannot be shown": ("含有无法显示的字符", "has characters that cannot be shown"),
    "braces that stand for nothing here": (
        "中的花括号无法填充，只能用 {{name}}、{{tier}}、{{points}}、{{product}}，"
        "以及所赠送的 {{coupon}}、{{points_given}}",
        "has braces that stand for nothing here; there are {{name}}, {{tier}}, {{points}}, {{product}},"
        " and of what is given {{coupon}} and {{points_given}}",
    ),
    "no template that is in use for marketing": (
        "不是已启用的营销类消息模板",
        "is no template that is in use for marketing",
    ),
    "not the fields of the template": (
        "须填写该模板的全部字段，且不能有其他字段",
        "must have all the fields of the template and no others",
    ),
    "not what an SMS takes": ("的变量过多或过长", "has too many values, or one that is too long"),
    "longer than WeChat shows": (
        "超出微信的长度限制（thing 类最多 20 字，name 类最多 10 个汉字或 20 个字母）",
        "is longer than WeChat shows: 20 characters in a thing, 10 Chinese characters or 20 letters in a name",
    ),
    "not what WeChat takes in such a field": (
        "不符合微信对该类字段的要求（如 number 类只能填数字，phrase 类最多 5 个汉字）",
        "is not what WeChat takes there: a number has only digits, a phrase up to 5 Chinese characters",
    ),
    "empty, too long, or not to be sent": (
        "为空、过长，或含有无法发送的字符",
        "is empty, too long, or has characters that cannot be sent",
    ),
    "the audience is among them": (
        "不能包含目标人群本身，否则无人可发",
        "must not name the audience itself: nobody would be left",
    ),
    "coupons and coupon_template go together": (
        "须与 coupon_template 同时填写，或都不填",
        "and coupon_template go together",
    ),
    "no points are given": ("只有赠送积分时才能填写", "goes with points, of which none are given"),
    "the template is not live": ("所指的券未上架", "is not live"),
    "no such template": ("所指的券不存在", "is no template there is"),
    "what the coupon is worth is not known": (
        "不能设置：所赠的券没有封顶金额，无法估算成本",
        "cannot be kept: nobody can say what the coupon is worth at most",
    ),
    "in the past, or more than a year away": (
        "须是一年以内的将来时间",
        "must be a time to come, within a year",
    ),
    "the same segment twice": ("中有重复的人群", "names a segment twice"),
    "no such event": ("所指的活动不存在", "is no event there is"),
    "no such tier": ("所指的会员等级不存在", "is no tier there is"),
    "nothing is done": ("至少要有一项", "must have one thing at least"),
    "not written as it must be": (
        "首尾不能有空格，且不能含有无法显示的字符",
        "must have no blanks around it, and no characters that cannot be shown",
    ),
    "the tag that is put on": ("不能与 tag_on 相同", "must not be the same as tag_on"),
    "it has acted more often": ("不能少于已执行的次数", "must not be less than how often it has acted"),
    "goes with once: days, and with nothing else": (
        "只在 once 为 days 时填写，且必填",
        "goes with once: days, and with nothing else",
    ),
    "needed where something is given": ("必填，因为会赠送券或积分", "is required where something is given"),
}
