"""Everybody writes at once: messages are numbered without a gap, and whoever leaves leaves no words behind."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import clock
from app.errors import NotFound
from app.feedback import write
from app.feedback.write import FeedbackErased, Opening
from app.withdrawal import withdraw
from tests.app.engagement.offering import asked
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop
from tests.surveys import answering, said, survey, writes

LEFT = "SELECT count(*) FROM feedback_messages WHERE body IS NOT NULL"


def opening(member_id: int, n: int) -> str:
    try:
        return write.open_thread(
            member_id=member_id,
            opening=Opening(category="other", body="我"),
            request=asked(member_id, f"k{n}"),
            now=clock.now(),
        ).thread_id
    except (NotFound, FeedbackErased) as error:
        return error.code


def test_sixteen_messages_at_once_are_numbered_without_a_gap(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    thread = writes(phone).json["id"]

    def add(n: int) -> int:
        request = asked(phone.member_id, f"m{n}")
        return write.add(
            member_id=phone.member_id, thread_id=thread, body="又", request=request, now=clock.now()
        ).message_no

    assert sorted(race(16, add)) == list(range(2, 18))


def test_whoever_leaves_while_writing_leaves_no_words_behind(shop: Shop, engine: Engine) -> None:
    member = shop.member().member_id

    def run(n: int) -> None:
        if n == 0:
            withdraw(member_id=member, now=clock.now())
        else:
            opening(member, n)

    race(16, run)
    assert rows(engine, LEFT) == [(0,)]


def test_what_was_said_is_not_changed(shop: Shop, engine: Engine) -> None:
    """The database refuses, whoever asks."""
    phone = shop.member()
    answering(phone, survey(), said(words="好"))
    writes(phone)
    for statement in (
        "UPDATE survey_forms SET questions = '[]'",
        "DELETE FROM survey_participants",
        "UPDATE survey_answers SET picks = '{}'",
        """UPDATE survey_answers SET texts = '{"4": "坏"}'""",
        "UPDATE feedback_messages SET body = '坏'",
        "DELETE FROM feedback_messages",
        "UPDATE feedback_threads SET member_id = 1",
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text(statement))
