"""Error code → (Chinese, English): what surveys and feedback refuse."""

FEEDBACK_ERRORS: dict[str, tuple[str, str]] = {
    "survey_answered": (
        "您已参与过本次调查，感谢您的反馈。",
        "You have answered this survey already. Thank you.",
    ),
    "survey_changed": (
        "问卷已更新，请重新打开后作答。",
        "The questions have changed. Open the survey again.",
    ),
    "survey_answer_invalid": (
        "有题目未答或不符合要求，详见 question 和 reason。",
        "An answer is missing or does not fit; see `question` and `reason`.",
    ),
    "feedback_erased": (
        "会员已撤回同意，反馈内容已删除，不能继续。",
        "The member took consent back and what was written is erased. Nothing can be added.",
    ),
    "feedback_closed": ("反馈已关闭，请先重新打开。", "This feedback is closed. Reopen it first."),
    "sale_elsewhere": (
        "这笔消费不在所选门店。",
        "That purchase was made in another store than the one chosen.",
    ),
    "sale_not_yours": ("没有找到您的这笔消费。", "There is no such purchase of yours."),
}
