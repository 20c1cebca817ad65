"""Each question about surveys and feedback finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.feedback import answer
from app.ledger.check_surveys import SURVEY_QUESTIONS
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.shop import Shop
from tests.surveys import answering, said, survey, writes

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "whoever took part in a survey answered it, once": [
        "DELETE FROM survey_answers WHERE anonymous",
        "DELETE FROM survey_participants WHERE form_no = 1",
        "UPDATE survey_answers SET member_id = member_id + 1000",
        "UPDATE survey_participants SET member_id = member_id + 1000",
    ],
    "an anonymous answer names nobody": [
        "ALTER TABLE survey_answers DROP CONSTRAINT ck_survey_answers_anonymous_names_nobody;"
        " UPDATE survey_answers SET member_id = 1 WHERE anonymous",
        "UPDATE survey_answers SET anonymous = false WHERE anonymous",
    ],
    "feedback holds its messages, numbered without a gap": [
        "DELETE FROM feedback_messages WHERE message_no = 1",
        "UPDATE feedback_messages SET message_no = 5 WHERE author = 'staff'",
        "UPDATE feedback_threads SET answered_at = NULL",
        "UPDATE feedback_threads SET member_id = member_id + 1 WHERE sale_id IS NOT NULL",
    ],
    "whoever took consent back has no words here": [
        "UPDATE feedback_messages SET body = 'x' WHERE body IS NULL",
        "UPDATE feedback_messages SET body = NULL",
        "UPDATE members SET status = 'withdrawn'",
    ],
    "the guards of surveys and feedback are in place": [
        "ALTER TABLE survey_answers DISABLE TRIGGER survey_answers_only_forgotten",
        "DROP TRIGGER feedback_messages_kept ON feedback_messages",
        "ALTER TABLE survey_participants DROP CONSTRAINT pk_survey_participants",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """Somebody answered surveys and wrote about a purchase, somebody else wrote and left."""
    phone, gone = shop.member(), shop.member()
    for anonymous in (False, True):
        answering(phone, survey(anonymous=anonymous, reward={"points": 3}), said(words="好"))
    sale = shop.till.sell(shop.till.ticket(shop.code(phone)), 5_000).json["id"]
    thread = writes(phone, sale=sale).json["id"]
    clerk = shop.person("clerk", Grant("clerk", shop.store.id))
    now = clock.now()
    answer.answer(thread_id=thread, version=1, body="好", close=False, staff_id=clerk.id, now=now)
    writes(gone)
    withdraw(member_id=gone.member_id, now=now)
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(SURVEY_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
