"""Key → (Chinese, English): surveys and feedback."""

FEEDBACK_TEXTS: dict[str, tuple[str, str]] = {
    "message.feedback_answered.title": ("反馈回复通知", "We have answered you"),
    "message.feedback_answered.body": (
        "您的反馈有了新回复，请在“我的-意见反馈”中查看。",
        "There is an answer to your feedback. You find it under Me, Feedback.",
    ),
    "survey.form": ("问卷版本", "Form"),
    "survey.group": ("分组", "Group"),
    "survey.all": ("全部", "All"),
    "survey.others": ("其他", "Others"),
    "survey.no_store": ("无常用门店", "No home store"),
    "survey.question_no": ("题号", "No."),
    "survey.question": ("题目", "Question"),
    "survey.answered": ("作答人数", "Answered by"),
    "survey.choice": ("选项", "Choice"),
    "survey.count": ("选择人数", "Picked by"),
    "survey.share": ("占比（%）", "Share (%)"),
    "survey.mean": ("平均分", "Mean"),
    "survey.nps": ("净推荐值", "NPS"),
}
