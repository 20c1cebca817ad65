"""Logging in and joining, over HTTP and with a WeChat that answers."""

from sqlalchemy import text

from tests.chat_apps import LOGIN, VERSION, Sandbox, Visitor, change_policy, init_data
from tests.conftest import rows

BOT_TOKEN = "123456789:AAtestTokenOfABotThatDoesNotExist00"


def member_count(engine):
    return rows(engine, "SELECT count(*) FROM members")[0][0]


def test_somebody_new_joins_with_consent(visitor: Visitor, sandbox: Sandbox, engine):
    answer = visitor.login(sandbox.login_code(), headers={"Accept-Language": "en"})

    assert answer.status_code == 200
    assert (answer.json["created"], answer.json["consent_current"]) == (True, True)
    assert visitor.me(answer.json["token"]).json["member_no"] == answer.json["member"]["member_no"]
    assert answer.json["member"]["language"] == "en"
    assert rows(engine, "SELECT purpose, policy_version, action, source FROM consents") == [
        ("membership", VERSION, "given", "wechat_mini")
    ]
    assert rows(engine, "SELECT kind FROM facts") == [("member_joined",)]
    assert rows(engine, "SELECT provider, subject FROM member_identities") == [
        ("wechat_mini", sandbox.person()["openid"])
    ]


def test_nobody_joins_without_consent_and_the_same_code_serves_with_it(visitor, sandbox, engine):
    code = sandbox.login_code()

    refused = visitor.login(code, consent=None)

    assert (refused.status_code, refused.json["code"]) == (409, "consent_required")
    assert refused.json["policy_version"] == VERSION
    assert member_count(engine) == 0

    accepted = visitor.login(code)

    assert (accepted.status_code, accepted.json["created"]) == (200, True)
    assert sandbox.calls(LOGIN) == 1


def test_consent_under_the_key_of_the_refused_try_serves_too(visitor, sandbox):
    code = sandbox.login_code()
    visitor.login(code, consent=None, key="one")

    assert visitor.login(code, key="one").status_code == 200


def test_consent_to_a_text_that_does_not_hold_is_none(visitor, sandbox, engine):
    refused = visitor.login(sandbox.login_code(), consent="2025-12")

    assert (refused.status_code, refused.json["policy_version"]) == (409, VERSION)
    assert member_count(engine) == 0


def test_a_member_logs_in_again_without_being_asked(visitor, sandbox, engine):
    first = visitor.login(sandbox.login_code()).json

    again = visitor.login(sandbox.login_code(), consent=None)

    assert (again.status_code, again.json["created"]) == (200, False)
    assert again.json["member"]["member_no"] == first["member"]["member_no"]
    assert visitor.me(first["token"]).status_code == 200
    assert member_count(engine) == 1
    assert rows(engine, "SELECT count(*) FROM consents") == [(1,)]


def test_a_retry_after_a_lost_answer_gives_a_new_token_and_ends_the_lost_one(visitor, sandbox, engine):
    code = sandbox.login_code()
    lost = visitor.login(code, key="one").json

    retried = visitor.login(code, key="one")

    assert (retried.status_code, retried.json["created"]) == (200, True)
    assert retried.json["token"] != lost["token"]
    assert visitor.me(lost["token"]).status_code == 401
    assert visitor.me(retried.json["token"]).status_code == 200
    assert (member_count(engine), sandbox.calls(LOGIN)) == (1, 1)


def test_a_late_repetition_does_not_log_in_who_has_logged_out_since(visitor, sandbox, engine):
    code = sandbox.login_code()
    token = visitor.login(code, key="one").json["token"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE member_sessions SET revoked_at = now()"))

    late = visitor.login(code, key="one")

    assert (late.status_code, late.json["code"]) == (401, "login_code_used")
    assert visitor.me(token).status_code == 401


def test_a_finished_code_under_another_key_is_used(visitor, sandbox):
    code = sandbox.login_code()
    first = visitor.login(code, key="one").json

    second = visitor.login(code, key="two")

    assert (second.status_code, second.json["code"]) == (401, "login_code_used")
    assert visitor.me(first["token"]).status_code == 200
    assert sandbox.calls(LOGIN) == 1


def test_a_frozen_member_does_not_get_in(visitor, sandbox, engine):
    visitor.login(sandbox.login_code())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE members SET status = 'frozen'")

    answer = visitor.login(sandbox.login_code())

    assert (answer.status_code, answer.json["code"]) == (403, "login_forbidden")
    assert rows(engine, "SELECT count(*) FROM member_sessions") == [(1,)]


def test_a_newer_text_is_agreed_to_at_the_next_login(visitor, sandbox, engine, wechat_app):
    visitor.login(sandbox.login_code())
    change_policy(wechat_app, "2026-02")

    asked = visitor.login(sandbox.login_code(), consent=None)
    assert (asked.status_code, asked.json["consent_current"]) == (200, False)

    agreed = visitor.login(sandbox.login_code(), consent="2026-02")
    assert agreed.json["consent_current"] is True
    assert visitor.login(sandbox.login_code(), consent="2026-02").json["consent_current"] is True
    assert rows(engine, "SELECT policy_version FROM consents ORDER BY id") == [(VERSION,), ("2026-02",)]


def test_consent_to_an_older_text_is_not_recorded_for_a_member(visitor, sandbox, engine, wechat_app):
    visitor.login(sandbox.login_code())
    change_policy(wechat_app, "2026-02")

    answer = visitor.login(sandbox.login_code(), consent=VERSION)

    assert answer.json["consent_current"] is False
    assert rows(engine, "SELECT count(*) FROM consents") == [(1,)]


def test_an_unknown_way_of_logging_in_names_the_known_ones(visitor):
    answer = visitor.login("code", provider="alipay")

    assert (answer.status_code, answer.json["code"]) == (422, "provider_unknown")
    assert answer.json["providers"] == ["telegram", "wechat_mini"]


def test_an_unknown_code_is_refused_and_leaves_nothing(visitor, sandbox, engine):
    answer = visitor.login("never-issued")

    assert (answer.status_code, answer.json["code"]) == (401, "login_code_invalid")
    assert rows(engine, "SELECT count(*) FROM login_codes") == [(0,)]


def test_what_cannot_be_a_code_is_not_even_asked_about(visitor, sandbox):
    for code in ("a b", "codé", "x" * 300):
        assert visitor.login(code).json["code"] == "login_code_invalid"
    assert sandbox.calls(LOGIN) == 0


def test_a_code_that_ran_out_is_refused(visitor, sandbox):
    code = sandbox.login_code()
    sandbox.tell("clock/advance", seconds=301)

    assert visitor.login(code).json["code"] == "login_code_invalid"


def test_somebody_wechat_blocks_is_told_so(visitor, sandbox):
    sandbox.person(blocked=True)

    answer = visitor.login(sandbox.login_code())

    assert (answer.status_code, answer.json["code"]) == (403, "login_risk_blocked")


def test_a_telegram_user_joins_by_the_same_door(visitor, engine, wechat_app):
    data = init_data(BOT_TOKEN)

    asked = visitor.login(data, provider="telegram", consent=None)
    assert asked.json["code"] == "consent_required"

    answer = visitor.login(data, provider="telegram", key="one")
    assert (answer.status_code, answer.json["created"]) == (200, True)
    assert rows(engine, "SELECT provider, app_id, subject FROM member_identities") == [
        ("telegram", "123456789", "42")
    ]
    assert visitor.login(data, provider="telegram", key="one").status_code == 200


RESPELT = {
    "as it was": lambda data: data,
    "pairs in another order": lambda data: "&".join(reversed(data.split("&"))),
    "other blanks": lambda data: data.replace("+", "%20"),
    "a letter escaped": lambda data: data.replace("auth_date", "%61uth_date"),
    "lower case escapes": lambda data: data.replace("%7B", "%7b"),
}


def test_telegram_data_serves_once_however_it_is_spelt(visitor, wechat_app):
    for user_id, (how, respell) in enumerate(RESPELT.items(), start=1):
        data = init_data(BOT_TOKEN, user_id=user_id)
        assert visitor.login(data, provider="telegram").status_code == 200
        assert (respell(data) != data) == (how != "as it was")

        replayed = visitor.login(respell(data), provider="telegram")

        assert (replayed.status_code, replayed.json["code"]) == (401, "login_code_used"), how


def test_forged_telegram_data_does_not_stand_in_the_way_of_the_genuine(visitor, wechat_app):
    data = init_data(BOT_TOKEN)
    forged = data.replace("Li", "Lo")

    assert visitor.login(forged, provider="telegram").json["code"] == "login_code_invalid"
    assert visitor.login(data, provider="telegram").status_code == 200


def test_old_telegram_data_is_refused(visitor, wechat_app):
    data = init_data(BOT_TOKEN, auth_date=1_700_000_000)

    assert visitor.login(data, provider="telegram").json["code"] == "login_code_expired"


def test_one_person_in_two_chat_apps_is_two_members(visitor, sandbox, engine):
    visitor.login(sandbox.login_code())
    visitor.login(init_data(BOT_TOKEN), provider="telegram")

    assert member_count(engine) == 2


MISSHAPEN = [
    ({"code": "c"}, "provider"),
    ({"provider": "wechat_mini"}, "code"),
    ({"provider": "wechat_mini", "code": ""}, "code"),
    ({"provider": "wechat_mini", "code": 7}, "code"),
    ({"provider": "wechat_mini", "code": "a\x00b"}, "code"),
    ({"provider": "wechat_mini", "code": "x" * 4097}, "code"),
    ({"provider": ["wechat_mini"], "code": "c"}, "provider"),
    ({"provider": "wechat_mini", "code": "c", "consent": True}, "consent"),
    ({"provider": "wechat_mini", "code": "c", "consent": {}}, "consent"),
    ({"provider": "wechat_mini", "code": "c", "consent": {"policy_version": None}}, "consent"),
    ({"provider": "wechat_mini", "code": "c", "openid": "o123"}, "openid"),
    ({"provider": "wechat_mini", "code": "c", "member_id": 1}, "member_id"),
]


def test_a_misshapen_request_is_refused_by_field(visitor, sandbox):
    for body, field in MISSHAPEN:
        answer = visitor.client.post("/api/v1/login", json=body, headers={"Idempotency-Key": "k"})

        assert (answer.status_code, answer.json["code"]) == (422, "validation_failed"), body
        assert field in answer.json["fields"]["json"]
    assert sandbox.calls(LOGIN) == 0


KEYS = [
    ({}, 400, "idempotency_key_missing"),
    ({"Idempotency-Key": "with space"}, 422, "idempotency_key_malformed"),
    ({"Idempotency-Key": "x" * 201}, 422, "idempotency_key_malformed"),
]


def test_logging_in_takes_a_sound_key(visitor, sandbox):
    body = {"provider": "wechat_mini", "code": sandbox.login_code()}
    for headers, status, code in KEYS:
        answer = visitor.client.post("/api/v1/login", json=body, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert sandbox.calls(LOGIN) == 0


def test_one_address_cannot_try_codes_without_end(visitor, sandbox):
    answers = [visitor.login("not a code") for _ in range(61)]

    assert [a.status_code for a in answers] == [401] * 60 + [429]
    assert answers[-1].json["code"] == "too_many_requests"
    assert int(answers[-1].headers["Retry-After"]) == answers[-1].json["retry_after_s"]


def test_the_configuration_is_open_and_holds_nothing_secret(visitor, wechat_app):
    answer = visitor.client.get("/api/v1/config")

    assert answer.json == {
        "brand": "Member Center",
        "policy_version": VERSION,
        "policy_url": None,
        "subscribe_templates": [],
    }
