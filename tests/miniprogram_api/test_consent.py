"""Agreeing to a newer text while signed in, and taking consent back."""

from app import clock, withdrawal
from app.identity import consent
from tests.chat_apps import VERSION, Visitor, all_at_once, change_policy
from tests.conftest import rows
from tests.shop import Phone


def withdraw(phone):
    return phone.client.delete("/api/v1/me/consent", headers={"Authorization": f"Bearer {phone.token}"})


CONSENTS = "SELECT policy_version, action, source FROM consents ORDER BY id"


def test_a_signed_in_member_agrees_to_the_newer_text_once(alice: Phone, visitor, sandbox, engine, wechat_app):
    change_policy(wechat_app, "2026-02")

    assert alice.post("/me/consent", json={"policy_version": "2026-02"}).status_code == 204
    assert alice.post("/me/consent", json={"policy_version": "2026-02"}).status_code == 204

    assert rows(engine, CONSENTS) == [
        (VERSION, "given", "wechat_mini"),
        ("2026-02", "given", "member_page"),
    ]
    assert visitor.login(sandbox.login_code(), consent=None).json["consent_current"] is True


def test_only_the_text_that_holds_can_be_agreed_to(alice, engine, wechat_app):
    change_policy(wechat_app, "2026-02")

    answer = alice.post("/me/consent", json={"policy_version": VERSION})

    assert (answer.status_code, answer.json["code"]) == (409, "policy_not_current")
    assert answer.json["policy_version"] == "2026-02"
    assert rows(engine, "SELECT count(*) FROM consents") == [(1,)]


def test_a_misshapen_agreement_is_refused(alice):
    for body in (
        {},
        {"policy_version": 1},
        {"policy_version": ""},
        {"policy_version": "v", "purpose": "marketing"},
    ):
        assert alice.post("/me/consent", json=body).status_code == 422


def test_taking_consent_back_signs_every_phone_out_and_keeps_the_membership(alice, visitor, sandbox, engine):
    other = visitor.login(sandbox.login_code()).json["token"]

    assert withdraw(alice).status_code == 204

    assert alice.get("/me").status_code == 401
    assert visitor.me(other).status_code == 401
    assert rows(engine, CONSENTS)[-1] == (VERSION, "withdrawn", "member_page")
    assert rows(engine, "SELECT count(*), min(status) FROM members") == [(1, "withdrawn")]


def test_after_taking_it_back_logging_in_asks_for_consent_and_finds_the_same_member(
    alice, visitor, sandbox, engine
):
    number = alice.get("/me").json["member_no"]
    withdraw(alice)
    code = sandbox.login_code()

    asked = visitor.login(code, consent=None)
    assert (asked.status_code, asked.json["code"]) == (409, "consent_required")

    back = visitor.login(code)
    assert (back.status_code, back.json["created"]) == (200, False)
    assert back.json["member"]["member_no"] == number
    assert [action for _, action, _ in rows(engine, CONSENTS)] == ["given", "withdrawn", "given"]


def test_taking_it_back_many_times_at_once_is_recorded_once(alice, engine):
    all_at_once([lambda: withdrawal.withdraw(member_id=alice.member_id, now=clock.now()) for _ in range(16)])

    assert [action for _, action, _ in rows(engine, CONSENTS)] == ["given", "withdrawn"]


def test_agreeing_many_times_at_once_is_recorded_once(alice, engine):
    def agree():
        consent.give(
            member_id=alice.member_id, policy_version="2026-02", current_version="2026-02", now=clock.now()
        )

    all_at_once([agree] * 16)

    assert rows(engine, "SELECT count(*) FROM consents WHERE policy_version = '2026-02'") == [(1,)]


def test_without_the_lock_agreeing_would_be_recorded_again_and_again(alice, engine, monkeypatch):
    """The control."""
    monkeypatch.setattr(consent, "_lock", lambda *given: None)

    def agree(version):
        consent.give(
            member_id=alice.member_id, policy_version=version, current_version=version, now=clock.now()
        )

    for round_no in range(20):
        all_at_once([lambda v=f"v{round_no}": agree(v)] * 16)
        [(times,)] = rows(engine, f"SELECT count(*) FROM consents WHERE policy_version = 'v{round_no}'")
        if times > 1:
            return
    raise AssertionError("the race was never seen")


def test_no_session_survives_a_withdrawal_that_meets_a_login(alice, wechat_app, sandbox, engine):
    """Either the login came first and its session is ended, or it came second and was asked for consent."""
    codes = [sandbox.login_code() for _ in range(15)]
    jobs = [lambda code=code: Visitor(wechat_app.test_client()).login(code, consent=None) for code in codes]

    answers = all_at_once([*jobs, lambda: withdrawal.withdraw(member_id=alice.member_id, now=clock.now())])

    assert {a.status_code for a in answers[:-1]} <= {200, 409}
    assert rows(engine, "SELECT count(*) FROM member_sessions WHERE revoked_at IS NULL") == [(0,)]
