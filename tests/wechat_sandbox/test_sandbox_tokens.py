"""Both kinds of access token, on the sandbox's own clock."""

from typing import Any

import pytest

NOBODY = "o" * 28
GOOD_TOKEN = 40003  # the next check after the token: nobody has that openid


def outcome(sandbox: Any, token: str) -> int:
    return sandbox.send(NOBODY, token=token)["errcode"]


def test_every_classic_call_makes_a_new_token_and_the_former_lives_five_minutes(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze")
    first, second = sandbox.classic()["access_token"], sandbox.classic()["access_token"]
    assert first != second
    assert outcome(sandbox, first) == outcome(sandbox, second) == GOOD_TOKEN
    sandbox.advance(299)
    assert outcome(sandbox, first) == GOOD_TOKEN
    sandbox.advance(1)
    assert outcome(sandbox, first) == 40001
    assert outcome(sandbox, second) == GOOD_TOKEN


def test_a_third_classic_token_ends_the_first_at_once(sandbox: Any) -> None:
    tokens = [sandbox.classic()["access_token"] for _ in range(3)]
    assert [outcome(sandbox, one) for one in tokens] == [40001, GOOD_TOKEN, GOOD_TOKEN]


def test_a_token_that_lived_its_whole_life_is_expired_not_invalid(sandbox: Any) -> None:
    token = sandbox.classic()["access_token"]
    sandbox.advance(7200)
    assert outcome(sandbox, token) == 42001


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("nonsense", 40014), ("x" * 157, 40001)])
def test_a_token_nobody_got_is_refused(sandbox: Any, token: str, errcode: int) -> None:
    assert outcome(sandbox, token) == errcode


def test_the_stable_token_is_shared_until_five_minutes_before_its_end(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze")
    first = sandbox.stable()
    assert first["expires_in"] == 7200
    sandbox.advance(6899)
    assert sandbox.stable() == {"access_token": first["access_token"], "expires_in": 301}
    sandbox.advance(1)
    second = sandbox.stable()
    assert second["access_token"] != first["access_token"]
    sandbox.advance(299)
    assert outcome(sandbox, first["access_token"]) == GOOD_TOKEN
    sandbox.advance(1)
    assert outcome(sandbox, first["access_token"]) == 42001
    assert outcome(sandbox, second["access_token"]) == GOOD_TOKEN


def test_classic_and_stable_tokens_do_not_touch_each_other(sandbox: Any) -> None:
    stable = sandbox.stable()["access_token"]
    for _ in range(3):
        sandbox.classic()
    assert outcome(sandbox, stable) == GOOD_TOKEN


def test_two_forced_calls_thirty_seconds_apart_end_a_leaked_token(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze")
    leaked = sandbox.stable()["access_token"]
    second = sandbox.stable(force_refresh=True)["access_token"]
    assert second != leaked
    assert sandbox.stable(force_refresh=True)["access_token"] == second  # too soon: not renewed
    assert outcome(sandbox, leaked) == GOOD_TOKEN
    sandbox.advance(30)
    assert sandbox.stable(force_refresh=True)["access_token"] != second
    assert outcome(sandbox, leaked) == 40001


def test_the_twenty_first_forced_call_of_a_day_is_refused(sandbox: Any) -> None:
    sandbox.post("/_sim/clock/freeze", at=4_102_444_800)  # midnight UTC: 08:00 in Beijing
    for _ in range(20):
        assert "access_token" in sandbox.stable(force_refresh=True)
        sandbox.advance(30)
    assert sandbox.stable(force_refresh=True)["errcode"] == 45009
    assert "access_token" in sandbox.stable()
    sandbox.advance(86_400)
    assert "access_token" in sandbox.stable(force_refresh=True)


def test_revoked_tokens_answer_40001_and_the_next_fetch_is_new(sandbox: Any) -> None:
    token = sandbox.stable()["access_token"]
    sandbox.post("/_sim/token/revoke", kind="stable")
    assert outcome(sandbox, token) == 40001
    assert outcome(sandbox, sandbox.stable()["access_token"]) == GOOD_TOKEN
    assert sandbox.get("/_sim/metrics")["tokens_minted"] == {"classic": 0, "stable": 2}


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40125),
    ],
)
def test_a_wrong_app_gets_no_token(sandbox: Any, changed: dict[str, str], errcode: int) -> None:
    app = {
        "grant_type": "client_credential",
        "appid": "wxba5fad812f8e6fb9",
        "secret": "a-secret-of-the-tests",
    }
    assert sandbox.get("/cgi-bin/token", **{**app, **changed})["errcode"] == errcode
    assert sandbox.post("/cgi-bin/stable_token", **{**app, **changed})["errcode"] == errcode


def test_the_stable_token_must_be_posted_as_json(sandbox: Any) -> None:
    assert sandbox.get("/cgi-bin/stable_token")["errcode"] == 43002
    assert sandbox.ask("POST", "/cgi-bin/stable_token", data="a=b").json()["errcode"] == 47001
    assert sandbox.ask("POST", "/cgi-bin/token").json()["errcode"] == 43001
