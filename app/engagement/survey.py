"""Answering a survey: once, and the reward with it. A used up budget takes the reward away, not the word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import HOME_ZONE, business_date
from app.db import into, transaction
from app.engagement import chances
from app.engagement.activity import Activity, ActivityUsedUp, Participant, opened
from app.engagement.definitions import Survey
from app.engagement.grant import NOTHING, Granted, grant_at_least
from app.engagement.survey_forms import Form, newest
from app.engagement.survey_models import SurveyAnswer, SurveyParticipant
from app.engagement.survey_questions import Answers, Given, checked
from app.errors import Conflict
from app.ids import new_id, timeless_id
from app.members.hold import hold

#: What the grant is for; once for each member.
SOURCE = "answer"


class SurveyAnswered(Conflict):
    """The member has answered it before."""

    code = "survey_answered"


class SurveyChanged(Conflict):
    """Other questions are asked by now. Data: `form_no`, the form that is asked."""

    code = "survey_changed"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`reward`: whether there was one, and whether it was still to be had. Coupons that are gone are left out."""

    reward: Literal["none", "given", "used_up"]
    points: int
    coupons: int
    chances: int


def answer(
    *,
    member_id: int,
    activity_id: str,
    form_no: int,
    given: Sequence[Given],
    request: idempotency.Request,
    now: datetime,
) -> Answered:
    """Say it, once.

    Raises `NotFound`, `ActivityNotOpen`, `SurveyAnswered`, `SurveyChanged`, `AnswerInvalid`, `KeyReused`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Answered)
        if former is not None:
            return former
        hold(session, member_id)
        activity, survey, member = opened(session, activity_id, Survey, member_id, now)
        chances.take_place(session, activity_id, member_id)
        if session.execute(_ANSWERED, {"activity_id": activity_id, "member_id": member_id}).first():
            raise SurveyAnswered
        form = newest(session, [activity_id])[activity_id]
        if form.form_no != form_no:
            raise SurveyChanged(form_no=form.form_no)
        _write(session, activity, form, member, checked(form.questions, given), now)
        done = _reward(session, activity, survey, member_id, now)
        idempotency.remember(session, request, done, now)
        return done


_ANSWERED = text("""
    SELECT 1 FROM survey_participants WHERE activity_id = :activity_id AND member_id = :member_id""")
_FORGET = text("UPDATE survey_answers SET member_id = NULL, texts = '{}' WHERE member_id = :member_id")


def forget(session: Session, member_id: int) -> None:
    """Whose answers they were, and what they wrote in them. What they picked stays, as nobody's."""
    session.execute(_FORGET, {"member_id": member_id})


def _write(
    session: Session, activity: Activity, form: Form, member: Participant, said: Answers, now: datetime
) -> None:
    which = {"activity_id": activity.id, "form_no": form.form_no}
    session.execute(
        into(SurveyParticipant),
        {
            **which,
            "member_id": member.id,
        },
    )
    session.execute(
        into(SurveyAnswer),
        {
            # An id that tells the time would tell who answered at that time.
            "id": timeless_id() if form.anonymous else new_id(now),
            **which,
            "anonymous": form.anonymous,
            "member_id": None if form.anonymous else member.id,
            "store_id": member.home_store_id,
            "tier": member.facts.tier,
            "picks": said.picks,
            "texts": said.texts,
            "answered_on": business_date(now, HOME_ZONE),
        },
    )


def _reward(session: Session, activity: Activity, survey: Survey, member_id: int, now: datetime) -> Answered:
    if survey.reward.is_nothing:
        return _told("none", NOTHING)
    try:
        with session.begin_nested():
            granted = grant_at_least(
                session, activity, survey.reward, member_id=member_id, source=SOURCE, now=now
            )
    except ActivityUsedUp:
        return _told("used_up", NOTHING)
    return _told("used_up" if granted.grant_id is None else "given", granted)


def _told(reward: Literal["none", "given", "used_up"], granted: Granted) -> Answered:
    return Answered(
        reward=reward, points=granted.points, coupons=len(granted.coupon_ids), chances=granted.chances
    )
