"""The questions of a survey as they went live: answers name the form they answer, and a form never changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.db import into
from app.engagement.definitions import Survey
from app.engagement.survey_models import SurveyForm
from app.engagement.survey_questions import Question
from app.typed import convert


@dataclass(frozen=True, kw_only=True)
class Form:
    form_no: int
    anonymous: bool
    questions: tuple[Question, ...]


_NEWEST = text("""
    SELECT DISTINCT ON (activity_id) activity_id, form_no, anonymous, questions FROM survey_forms
    WHERE activity_id = ANY(:ids) ORDER BY activity_id, form_no DESC""")


def form_of(row: Any) -> Form:
    questions: tuple[Question, ...] = convert(row.questions, tuple[Question, ...])
    return Form(form_no=row.form_no, anonymous=row.anonymous, questions=questions)


def newest(connection: Connection | Session, activity_ids: Sequence[str]) -> dict[str, Form]:
    """By activity, the form that is asked now; those that never went live have none."""
    rows = connection.execute(_NEWEST, {"ids": list(activity_ids)})
    return {row.activity_id: form_of(row) for row in rows}


def freeze(session: Session, activity_id: str, survey: Survey, now: datetime) -> None:
    """Going live: what is asked becomes a form, unless the one before asks the same. The activity is locked."""
    former = newest(session, [activity_id]).get(activity_id)
    if former is not None and (former.anonymous, former.questions) == (survey.anonymous, survey.questions):
        return
    session.execute(
        into(SurveyForm),
        {
            "activity_id": activity_id,
            "form_no": 1 if former is None else former.form_no + 1,
            "anonymous": survey.anonymous,
            "questions": msgspec.to_builtins(survey.questions),
            "made_at": now,
        },
    )
