"""Logins and phone numbers."""

import re
from typing import Any

import pytest


def test_a_login_code_tells_who_it_is_once(sandbox: Any) -> None:
    code = sandbox.login_code("alice")
    session = sandbox.login(code)
    assert session.keys() == {"openid", "session_key"}
    assert session["openid"] == sandbox.openid("alice")
    assert sandbox.login(code)["errcode"] == 40163
    assert sandbox.get("/_sim/metrics")["codes_presented_twice"] == {"login": 1, "phone": 0}


def test_a_login_code_dies_after_five_minutes(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze")
    early, late = sandbox.login_code("alice"), sandbox.login_code("alice")
    sandbox.advance(299)
    assert "openid" in sandbox.login(early)
    sandbox.advance(1)
    assert sandbox.login(late)["errcode"] == 40029


def test_an_error_is_http_200_and_ends_with_a_request_id_that_holds_the_time(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze", at=4_102_444_800)
    answer = sandbox.ask("GET", "/sns/jscode2session", params={"grant_type": "authorization_code"})
    assert answer.status_code == 200
    assert re.fullmatch(r"appid missing rid: f4865700-[0-9a-f]{8}-[0-9a-f]{8}", answer.json()["errmsg"])


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"js_code": "never-issued"}, 40029),
        ({"js_code": ""}, 41008),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"secret": ""}, 41004),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_a_login_that_is_not_right_says_why(sandbox: Any, changed: dict[str, str], errcode: int) -> None:
    assert sandbox.login(sandbox.login_code("alice"), **changed)["errcode"] == errcode


def test_a_blocked_person_cannot_log_in(sandbox: Any) -> None:
    code = sandbox.login_code("mallory")
    sandbox.ask("PATCH", "/_sim/users/mallory", json={"blocked": True})
    assert sandbox.login(code)["errcode"] == 40226


def test_the_hundred_and_first_login_of_a_person_in_a_minute_waits(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze", at=4_102_444_800)
    for _ in range(100):
        assert "openid" in sandbox.login(sandbox.login_code("alice"))
    code = sandbox.login_code("alice")
    assert sandbox.login(code)["errcode"] == 45011
    assert "openid" in sandbox.login(sandbox.login_code("bob"))
    sandbox.advance(60)
    assert "openid" in sandbox.login(code)


def test_a_session_key_can_rotate_between_logins(sandbox: Any) -> None:
    first = sandbox.login(sandbox.login_code("alice"))
    again = sandbox.login(sandbox.login_code("alice"))
    sandbox.ask("PATCH", "/_sim/users/alice", json={"rotate_session_key": True})
    rotated = sandbox.login(sandbox.login_code("alice"))
    assert first == again
    assert rotated["openid"] == first["openid"]
    assert rotated["session_key"] != first["session_key"]


def test_a_phone_code_gives_the_number_once_and_costs_money_after_a_thousand(sandbox: Any) -> None:
    token = sandbox.token()
    sandbox.openid("alice")
    sandbox.ask("PATCH", "/_sim/users/alice", json={"phone": "13800138000"})
    code = sandbox.post("/_sim/phone_code", user="alice")["code"]
    answer = sandbox.phone_number(code, token)
    assert answer["errcode"] == 0
    assert answer["phone_info"]["purePhoneNumber"] == "13800138000"
    assert answer["phone_info"]["watermark"]["appid"] == "wxba5fad812f8e6fb9"
    assert sandbox.phone_number(code, token)["errcode"] == 40029
    metrics = sandbox.get("/_sim/metrics")
    assert metrics["phone_numbers"] == {"answered": 1, "billed": 0, "cost_fen": 0}
    assert metrics["codes_presented_twice"] == {"login": 0, "phone": 1}


def test_a_login_code_is_not_a_phone_code(sandbox: Any) -> None:
    assert sandbox.phone_number(sandbox.login_code("alice"), sandbox.token())["errcode"] == 40029


def test_a_phone_code_of_another_mini_program_is_refused(sandbox: Any) -> None:
    other = sandbox.post("/_sim/phone_code", user="alice", app_id="wx0000000000000000")["code"]
    own = sandbox.post("/_sim/phone_code", user="alice", app_id="wxba5fad812f8e6fb9")["code"]
    token = sandbox.token()
    assert sandbox.phone_number(other, token)["errcode"] == 40013
    assert sandbox.phone_number(own, token)["errcode"] == 0


def test_a_phone_number_needs_a_token_first(sandbox: Any) -> None:
    code = sandbox.post("/_sim/phone_code", user="alice")["code"]
    assert sandbox.phone_number(code, "x" * 157)["errcode"] == 40001
    assert sandbox.phone_number(code, sandbox.token())["errcode"] == 0


def test_many_phones_have_as_many_numbers(sandbox: Any) -> None:
    sandbox.post("/_sim/users", count=3_000)
    people = sandbox.get("/_sim/users")["users"]
    assert len({one["phone"] for one in people}) == len({one["openid"] for one in people}) == 3_000


def test_people_stay_the_same_through_a_reset_and_differ_by_seed(sandbox: Any) -> None:
    before = sandbox.openid("alice")
    sandbox.post("/_sim/reset")
    assert sandbox.openid("alice") == before
    sandbox.post("/_sim/reset", seed="another")
    assert sandbox.openid("alice") != before
    sandbox.post("/_sim/reset", seed="tests")


def test_a_seeded_run_repeats_exactly(sandbox: Any) -> None:
    def run() -> tuple[str, str, str]:
        sandbox.post("/_sim/reset")
        return (
            sandbox.login_code("alice"),
            sandbox.token(),
            sandbox.login(sandbox.login_code("bob"))["session_key"],
        )

    assert run() == run()


def test_an_unknown_address_is_told_so_in_the_platforms_way(sandbox: Any) -> None:
    assert sandbox.post("/cgi-bin/no/such/thing")["errcode"] == 40066
