"""A phone number is bound once paid for, kept unreadable, and shown masked."""

import uuid
from dataclasses import replace

import pytest

from app.identity import phone as binding
from app.identity.phone import PER_MEMBER
from app.members.phones import PhoneVault
from tests.chat_apps import PHONE, Sandbox, all_at_once, joined
from tests.conftest import rows
from tests.shop import Phone

NUMBER = "13800138000"


@pytest.fixture
def number(sandbox: Sandbox) -> str:
    sandbox.person(phone=NUMBER)
    return NUMBER


def bind(phone: Phone, code: str, idempotency_key: str | None = None):
    headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
    return phone.post("/me/phone", json={"code": code}, headers=headers)


def test_a_bound_number_is_shown_masked_and_kept_unreadable(alice, sandbox, engine, number):
    answer = bind(alice, sandbox.phone_code())

    assert (answer.status_code, answer.json) == (200, {"phone": "138****8000"})
    assert alice.get("/me").json["phone"] == "138****8000"
    [(row,)] = rows(engine, "SELECT m::text FROM members m")
    assert number not in row
    assert number.encode().hex() not in row
    [(index,)] = rows(engine, "SELECT phone_index FROM members")
    assert len(index) == 16


def test_a_lost_answer_is_given_again_and_paid_once(alice, sandbox, number):
    code = sandbox.phone_code()
    first = bind(alice, code, "one")

    again = bind(alice, code, "one")

    assert (again.status_code, again.data) == (200, first.data)
    assert (sandbox.calls(PHONE), sandbox.billed_numbers()) == (1, 1)


def test_a_used_code_under_another_key_is_refused_and_not_paid_for(alice, sandbox, number):
    code = sandbox.phone_code()
    bind(alice, code)

    again = bind(alice, code)

    assert (again.status_code, again.json["code"]) == (401, "login_code_used")
    assert sandbox.calls(PHONE) == 1


def test_a_key_serves_for_one_code(alice, sandbox, number):
    bind(alice, sandbox.phone_code(), "one")

    other = bind(alice, sandbox.phone_code(), "one")

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert sandbox.billed_numbers() == 1


def test_a_number_is_one_members_and_nobody_learns_whose(alice, visitor, sandbox, engine, number):
    bob = joined(visitor, sandbox, engine, "bob")
    sandbox.person("bob", phone=number)
    bind(alice, sandbox.phone_code())

    answer = bind(bob, sandbox.phone_code("bob"))

    assert (answer.status_code, answer.json["code"]) == (409, "phone_in_use")
    assert set(answer.json) == {"type", "title", "status", "code", "detail", "request_id"}
    assert bob.get("/me").json["phone"] is None
    assert bind(alice, sandbox.phone_code()).status_code == 200  # one's own number again is no clash


def test_another_number_replaces_the_first_and_frees_it(alice, visitor, sandbox, engine, number):
    bob = joined(visitor, sandbox, engine, "bob")
    bind(alice, sandbox.phone_code())
    sandbox.person(phone="13900139111")

    assert bind(alice, sandbox.phone_code()).json == {"phone": "139****9111"}
    sandbox.person("bob", phone=number)
    assert bind(bob, sandbox.phone_code("bob")).status_code == 200


@pytest.mark.parametrize(
    ("action", "details", "status", "code"),
    [
        ("errcode", {"errcode": -1}, 503, "platform_unavailable"),
        ("errcode", {"errcode": 45011}, 429, "too_many_requests"),
    ],
)
def test_a_wechat_that_did_nothing_lets_the_same_code_through_later(
    alice, sandbox, number, action, details, status, code
):
    phone_code = sandbox.phone_code()
    sandbox.fault(PHONE, action, **details)
    failed = bind(alice, phone_code, "one")
    assert (failed.status_code, failed.json["code"]) == (status, code)

    sandbox.heal()
    assert bind(alice, phone_code, "one").status_code == 200
    assert sandbox.billed_numbers() == 1


@pytest.mark.parametrize("action", ["drop", "html", "truncated"])
def test_a_code_that_may_have_been_paid_for_is_never_asked_about_twice(alice, sandbox, number, action):
    code = sandbox.phone_code()
    sandbox.fault(PHONE, action, moment="after")

    failed = bind(alice, code, "one")
    assert (failed.status_code, failed.json["code"]) == (503, "platform_unavailable")

    sandbox.heal()
    assert bind(alice, code, "one").json["code"] == "login_code_used"
    assert sandbox.calls(PHONE) == 1
    assert bind(alice, sandbox.phone_code()).status_code == 200


def test_a_wrong_setting_is_not_the_members_fault(alice, sandbox, number):
    sandbox.fault(PHONE, "errcode", errcode=48001)

    answer = bind(alice, sandbox.phone_code())

    assert (answer.status_code, answer.json["code"]) == (503, "platform_misconfigured")


def test_an_unknown_code_and_a_login_code_are_refused(alice, sandbox, number):
    for code in ("never-issued", sandbox.login_code(), "a b"):
        assert bind(alice, code).json["code"] == "login_code_invalid"
    assert sandbox.billed_numbers() == 0


def test_five_numbers_a_day_are_enough(alice, sandbox, number):
    answers = [bind(alice, sandbox.phone_code()) for _ in range(6)]

    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert sandbox.billed_numbers() == PER_MEMBER.amount == 5


def test_repeating_a_finished_request_does_not_count(alice, sandbox, number):
    code = sandbox.phone_code()

    assert {bind(alice, code, "one").status_code for _ in range(8)} == {200}


def test_a_refused_try_leaves_the_code_good(alice, sandbox, number, wechat_app):
    for _ in range(5):
        bind(alice, "never-issued" + uuid.uuid4().hex)
    code = sandbox.phone_code()
    assert bind(alice, code).status_code == 429

    wechat_app.extensions["parts"].redis.flushdb()
    assert bind(alice, code).status_code == 200


def test_without_wechat_no_number_is_offered(shop):
    answer = bind(shop.member(), "code")

    assert (answer.status_code, answer.json["code"]) == (503, "phone_not_offered")


def test_a_code_and_a_key_are_needed(alice, sandbox):
    assert alice.post("/me/phone", json={"code": "c"}).status_code == 400
    for body in ({}, {"code": ""}, {"code": 1}, {"code": "x" * 129}, {"code": "c", "phone": "13800138000"}):
        answer = alice.post("/me/phone", json=body, headers={"Idempotency-Key": "k"})
        assert answer.json["code"] == "validation_failed"
    assert sandbox.calls(PHONE) == 0


def again_and_again(alice, code):
    return all_at_once([lambda: bind(alice, code, "one") for _ in range(16)])


def test_one_request_sent_many_times_at_once_is_paid_once(alice, sandbox, number):
    code = sandbox.phone_code()
    first = again_and_again(alice, code)
    assert {a.json.get("code") for a in first if a.status_code != 200} <= {"busy"}

    answers = again_and_again(alice, code)

    assert {(a.status_code, a.data) for a in answers} == {(200, b'{"phone":"138****8000"}')}
    assert sandbox.calls(PHONE) == 1


def test_without_the_claim_it_would_be_paid_again_and_again(alice, sandbox, number, monkeypatch):
    """The control."""
    monkeypatch.setattr(binding, "_claim", lambda *given: (None, None))

    again_and_again(alice, sandbox.phone_code())

    assert sandbox.calls(PHONE) > 1


def test_one_key_for_many_codes_at_once_binds_one_number(alice, sandbox, engine, number):
    codes = [sandbox.phone_code() for _ in range(5)]

    answers = all_at_once([lambda code=code: bind(alice, code, "one") for code in codes])

    assert sorted(a.status_code for a in answers) == [200, 422, 422, 422, 422]
    assert {a.json["code"] for a in answers if a.status_code == 422} == {"idempotency_key_reused"}


def many_claim_one_number(visitor, sandbox, engine):
    people = [f"person-{n}" for n in range(16)]
    phones = [joined(visitor, sandbox, engine, person) for person in people]
    for person in people:
        sandbox.person(person, phone=NUMBER)
    codes = [sandbox.phone_code(person) for person in people]
    pairs = zip(phones, codes, strict=True)
    return all_at_once([lambda phone=phone, code=code: bind(phone, code) for phone, code in pairs])


def test_one_number_claimed_by_many_at_once_goes_to_one(visitor, sandbox, engine):
    answers = many_claim_one_number(visitor, sandbox, engine)

    assert sorted(a.status_code for a in answers) == [200] + [409] * 15
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"phone_in_use"}


@pytest.mark.long
def test_without_the_constraint_one_number_would_go_to_many(visitor, sandbox, engine):
    """The control."""
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE members DROP CONSTRAINT uq_members_phone_index")

    answers = many_claim_one_number(visitor, sandbox, engine)

    assert [a.status_code for a in answers].count(200) > 1


def test_a_key_that_was_replaced_still_opens(alice, sandbox, number, wechat_app):
    bind(alice, sandbox.phone_code())
    parts = wechat_app.extensions["parts"]
    keys = parts.settings.phone_keys
    newer = PhoneVault({"b": b"n" * 32, **keys}, parts.settings.phone_index_key)
    wechat_app.extensions["parts"] = replace(parts, phones=newer)

    assert alice.get("/me").json["phone"] == "138****8000"
    sandbox.person(phone="13900139111")
    assert bind(alice, sandbox.phone_code()).json == {"phone": "139****9111"}


def test_a_number_copied_into_another_members_row_does_not_open(alice, visitor, sandbox, engine, number):
    bob = joined(visitor, sandbox, engine, "bob")
    bind(alice, sandbox.phone_code())
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE members SET phone_cipher = (SELECT phone_cipher FROM members WHERE id = %s),"
            " phone_index = '\\x00' WHERE id = %s",
            (alice.member_id, bob.member_id),
        )

    answer = bob.get("/me")

    told = answer.get_data(as_text=True)
    assert "138****" not in told
    assert "13800138" not in told
    assert alice.get("/me").json["phone"] == "138****8000"


def test_another_broken_rule_is_not_taken_for_a_number_in_use(alice, sandbox, engine, number):
    """Only the unique index says that; anything else is a fault of ours and must come out as one."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE members ADD CONSTRAINT ck_members_no_numbers CHECK (phone_index IS NULL)"
        )

    assert bind(alice, sandbox.phone_code()).status_code == 500
