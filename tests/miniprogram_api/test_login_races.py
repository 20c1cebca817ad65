"""Many requests at once: one code is redeemed once, one person becomes one member."""

import pytest

from app.identity import login
from tests.chat_apps import LOGIN, Visitor, all_at_once
from tests.conftest import rows

CROWD = 16


def visitors(app):
    return [Visitor(app.test_client()) for _ in range(CROWD)]


def one_code_at_once(app, code):
    return all_at_once([lambda v=v: v.login(code, key="one") for v in visitors(app)])


def many_codes_at_once(app, sandbox, person="alice"):
    codes = [sandbox.login_code(person) for _ in range(CROWD)]
    pairs = zip(visitors(app), codes, strict=True)
    return all_at_once([lambda v=v, code=code: v.login(code) for v, code in pairs])


def members(engine):
    return rows(engine, "SELECT count(*) FROM members")[0][0]


def live_sessions(engine):
    return rows(engine, "SELECT count(*) FROM member_sessions WHERE revoked_at IS NULL")[0][0]


def test_one_code_sent_by_many_requests_is_redeemed_once(wechat_app, sandbox, engine):
    code = sandbox.login_code()
    answers = one_code_at_once(wechat_app, code)
    refused = [a for a in answers if a.status_code != 200]
    assert {(a.status_code, a.json["code"], a.headers["Retry-After"]) for a in refused} <= {
        (409, "busy", "1")
    }

    answers = one_code_at_once(wechat_app, code)

    assert [a.status_code for a in answers] == [200] * CROWD
    assert {a.json["created"] for a in answers} == {True}
    assert (sandbox.calls(LOGIN), members(engine), live_sessions(engine)) == (1, 1, 1)
    alive = [a for a in answers if Visitor(wechat_app.test_client()).me(a.json["token"]).status_code == 200]
    assert len(alive) == 1


def test_one_code_under_many_keys_makes_one_login(wechat_app, sandbox, engine):
    code = sandbox.login_code()

    answers = all_at_once([lambda v=v: v.login(code) for v in visitors(wechat_app)])

    assert [a.status_code for a in answers].count(200) == 1
    assert {a.json["code"] for a in answers if a.status_code != 200} <= {"login_code_used", "busy"}
    assert (sandbox.calls(LOGIN), members(engine), live_sessions(engine)) == (1, 1, 1)


@pytest.mark.long
def test_without_the_claim_wechat_would_be_asked_again_and_again(wechat_app, sandbox, engine, monkeypatch):
    """The control: the check sees it."""
    claim = login._claim
    monkeypatch.setattr(login, "_claim", lambda *given: claim(*given) or True)

    code = sandbox.login_code()
    one_code_at_once(wechat_app, code)
    one_code_at_once(wechat_app, code)

    assert sandbox.calls(LOGIN) > 1


def test_many_first_logins_of_one_person_make_one_member(wechat_app, sandbox, engine):
    answers = many_codes_at_once(wechat_app, sandbox)

    assert [a.status_code for a in answers] == [200] * CROWD
    assert [a.json["created"] for a in answers].count(True) == 1
    assert len({a.json["member"]["member_no"] for a in answers}) == 1
    assert (members(engine), live_sessions(engine)) == (1, CROWD)


@pytest.mark.long
def test_without_lock_and_constraint_one_person_would_become_several(
    wechat_app, sandbox, engine, monkeypatch
):
    """The control."""
    monkeypatch.setattr(login, "_one_at_a_time", lambda *given: None)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE member_identities DROP CONSTRAINT uq_member_identities_provider_app_id_subject"
        )

    for people in range(1, 11):
        many_codes_at_once(wechat_app, sandbox, f"person-{people}")
        if members(engine) > people:
            return
        wechat_app.extensions["parts"].redis.flushdb()
    raise AssertionError("the race was never seen")


@pytest.mark.long
def test_the_constraint_alone_keeps_a_person_one_member(wechat_app, sandbox, engine, monkeypatch):
    monkeypatch.setattr(login, "_one_at_a_time", lambda *given: None)

    answers = many_codes_at_once(wechat_app, sandbox)

    assert members(engine) == 1
    assert {a.status_code for a in answers} <= {200, 409}


@pytest.mark.long
def test_one_code_is_redeemed_once_round_after_round(wechat_app, sandbox, engine):
    for round_no in range(1, 31):
        wechat_app.extensions["parts"].redis.flushdb()
        code = sandbox.login_code(f"person-{round_no}")
        answers = all_at_once([lambda v=v, code=code: v.login(code, key="one") for v in visitors(wechat_app)])
        assert {a.status_code for a in answers} <= {200, 409}
        assert (sandbox.calls(LOGIN), members(engine)) == (round_no, round_no)
