"""Surveys: what was asked, who has answered, and what was said, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

_FORM = ["survey_forms.activity_id", "survey_forms.form_no"]


class SurveyForm(Base):
    """Append-only: the questions as they went live. The highest number is the one that is asked."""

    __tablename__ = "survey_forms"
    __table_args__ = (CheckConstraint("form_no > 0", "form_no_positive"),)

    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"), primary_key=True)
    form_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    anonymous: Mapped[bool]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SurveyParticipant(Base):
    """Append-only: who has answered, and so does not answer again. What they said stands apart from it, and of an
    anonymous survey nothing leads from one to the other."""

    __tablename__ = "survey_participants"
    __table_args__ = (ForeignKeyConstraint(["activity_id", "form_no"], _FORM),)

    activity_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    form_no: Mapped[int]


class SurveyAnswer(Base):
    """What somebody said, by question number: `picks` lists of numbers, `texts` words. Never changed; when its member
    takes consent back, member and texts go.

    `store_id` is the member's home store and `tier` theirs, when they answered. The id of an anonymous one is random.
    """

    __tablename__ = "survey_answers"
    __table_args__ = (
        UniqueConstraint("member_id", "activity_id"),
        CheckConstraint("NOT anonymous OR member_id IS NULL", "anonymous_names_nobody"),
        ForeignKeyConstraint(["activity_id", "form_no"], _FORM),
        Index("ix_survey_answers_activity_id_form_no_id", "activity_id", "form_no", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(26))
    form_no: Mapped[int]
    anonymous: Mapped[bool]
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    tier: Mapped[str] = mapped_column(String(24))
    picks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    texts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answered_on: Mapped[date]
