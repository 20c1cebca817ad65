"""Surveys to test with, and members who answer them and write feedback."""

import uuid
from typing import Any

from app.engagement.activity import Activity
from tests.app.engagement.offering import live
from tests.shop import Phone

QUESTIONS: list[dict[str, Any]] = [
    {
        "kind": "single",
        "title_zh": "您最常点什么？",
        "title_en": "What do you order most?",
        "options": [
            {"name_zh": "咖啡", "name_en": "Coffee"},
            {"name_zh": "茶", "name_en": "Tea"},
        ],
    },
    {
        "kind": "multiple",
        "title_zh": "您看重什么？",
        "title_en": "What matters to you?",
        "options": [{"name_zh": f"选项{n}", "name_en": f"Option {n}"} for n in range(1, 5)],
        "at_least": 2,
        "at_most": 3,
        "required": False,
    },
    {"kind": "nps", "title_zh": "您会推荐我们吗？", "title_en": "Would you recommend us?"},
    {
        "kind": "text",
        "title_zh": "想对我们说什么？",
        "title_en": "What should we know?",
        "required": False,
        "most_chars": 20,
    },
]


def survey(**what: Any) -> Activity:
    """Live, for everybody; without a reward unless said."""
    return live("survey", **{"questions": QUESTIONS} | what)


def said(
    first: int = 1, nps: int = 9, *, some: tuple[int, ...] = (), words: str = ""
) -> list[dict[str, Any]]:
    """Answers to those questions."""
    answers: list[dict[str, Any]] = [{"question": 1, "picks": [first]}, {"question": 3, "picks": [nps]}]
    if some:
        answers.append({"question": 2, "picks": list(some)})
    return [*answers, {"question": 4, "text": words}] if words else answers


def answering(
    phone: Phone, activity: Activity, answers: list[dict[str, Any]], *, form_no: int = 1, key: str = ""
) -> Any:
    return phone.post(
        f"/surveys/{activity.id}/answer",
        json={"form_no": form_no, "answers": answers},
        headers={"Idempotency-Key": key or uuid.uuid4().hex},
    )


def writes(phone: Phone, path: str = "/feedback", **body: Any) -> Any:
    """Opens a thread, or adds to one."""
    opening = {"category": "service"} if path == "/feedback" else {}
    wanted = {"body": "排队太久"} | opening | body
    return phone.post(path, json=wanted, headers={"Idempotency-Key": uuid.uuid4().hex})
