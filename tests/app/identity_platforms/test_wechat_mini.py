"""Logging in from a mini-program, against the WeChat stand-in."""

from datetime import UTC, datetime

import pytest

from app.errors import Forbidden, TooMany, Unauthenticated, Unavailable
from app.identity.platforms import (
    LoginCodeInvalid,
    LoginCodeUsed,
    Platform,
    PlatformMisconfigured,
    PlatformUnavailable,
    RiskBlocked,
    VerifiedIdentity,
)
from app.identity.platforms.wechat_mini import WechatMini
from app.providers.wechat import WechatClient

APPID, SECRET = "wx0123456789abcdef", "5ecre7" * 5 + "ab"
LOGIN = "/sns/jscode2session"
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.fixture
def platform_with(login_sandbox_url):
    made = []

    def make(secret=SECRET, base_url=login_sandbox_url, read_timeout_s=60):
        made.append(
            WechatClient(
                APPID,
                secret,
                shared=None,
                clock=lambda: NOW,
                base_url=base_url,
                read_timeout_s=read_timeout_s,
                busy_pauses_s=(0.01, 0.01),
            )
        )
        return WechatMini(made[-1])

    yield make
    for client in made:
        client.close()


@pytest.fixture
def platform(platform_with, tell):
    return platform_with()


def refusal(platform, code):
    with pytest.raises(Exception) as caught:
        platform.verify(code, now=NOW)
    return caught.value


def fault(tell, **action):
    tell("faults", match={"path": LOGIN}, action=action)


def test_a_code_tells_who_logged_in(platform, tell):
    person = tell("users", user="lan")["users"][0]

    identity = platform.verify(tell("login_code", user="lan")["code"], now=NOW)

    assert (identity.provider, identity.app_id) == ("wechat_mini", APPID)
    assert identity.subject == person["openid"]
    assert identity.union_subject
    assert person["openid"] not in repr(identity)


def test_the_same_person_is_the_same_subject(platform, tell):
    one, other = (platform.verify(tell("login_code", user="lan")["code"], now=NOW) for _ in range(2))

    assert one == other
    assert isinstance(one, VerifiedIdentity)


def test_a_login_asks_wechat_for_one_thing_only(platform, tell):
    platform.verify(tell("login_code", user="lan")["code"], now=NOW)

    assert tell("metrics", "GET")["calls"] == {LOGIN: 1}


def test_a_used_code_is_refused(platform, tell):
    code = tell("login_code", user="lan")["code"]
    platform.verify(code, now=NOW)

    refused = refusal(platform, code)

    assert isinstance(refused, LoginCodeUsed)
    assert isinstance(refused, Unauthenticated)
    assert refused.code == "login_code_used"


def test_an_unknown_code_is_refused(platform):
    assert refusal(platform, "0a1B2cNobodysCode").code == "login_code_invalid"


def test_a_code_of_more_than_five_minutes_is_refused(platform, tell):
    code = tell("login_code", user="lan")["code"]
    tell("clock/advance", seconds=301)

    assert isinstance(refusal(platform, code), LoginCodeInvalid)


@pytest.mark.parametrize("code", ["", " ", "a b", "a\nb", "码", "x" * 257, "\ud800"])
def test_what_cannot_be_a_code_is_refused_without_asking_wechat(platform, tell, code):
    assert isinstance(refusal(platform, code), LoginCodeInvalid)
    assert tell("metrics", "GET")["calls"] == {}


def test_a_person_wechat_blocks_is_refused(platform, tell):
    tell("users", user="mallory")
    tell("users/mallory", "PATCH", blocked=True)

    refused = refusal(platform, tell("login_code", user="mallory")["code"])

    assert isinstance(refused, RiskBlocked)
    assert isinstance(refused, Forbidden)
    assert refused.code == "login_risk_blocked"


def test_wechats_minute_quota_means_wait_a_minute(platform, tell):
    fault(tell, type="errcode", errcode=45011)

    refused = refusal(platform, "some-code")

    assert isinstance(refused, TooMany)
    assert refused.data == {"retry_after_s": 60}


@pytest.mark.parametrize("errcode", [40013, 40125, 41002, 41004, 40164, 99999])
def test_our_own_wrong_settings_are_not_the_members_fault(platform, tell, errcode):
    fault(tell, type="errcode", errcode=errcode)

    refused = refusal(platform, "some-code")

    assert isinstance(refused, PlatformMisconfigured)
    assert isinstance(refused, Unavailable)


def test_a_wrong_secret_is_a_wrong_setting(platform_with, tell):
    assert refusal(platform_with(secret="another"), tell("login_code", user="lan")["code"]).code == (
        "platform_misconfigured"
    )


@pytest.mark.parametrize(
    "action",
    [
        {"type": "errcode", "errcode": -1},
        {"type": "status", "status": 503},
        {"type": "html"},
        {"type": "malformed_json"},
        {"type": "truncated"},
        {"type": "drop"},
        {"type": "timeout", "hang_ms": 3_000},
    ],
    ids=lambda action: action["type"],
)
def test_a_wechat_that_does_not_answer_means_later(platform_with, tell, action):
    fault(tell, **action)

    refused = refusal(platform_with(read_timeout_s=0.5), tell("login_code", user="lan")["code"])

    assert isinstance(refused, PlatformUnavailable)
    assert refused.code == "platform_unavailable"


def test_a_wechat_that_is_busy_for_a_moment_is_asked_again(platform, tell):
    tell("faults", match={"path": LOGIN}, action={"type": "errcode", "errcode": -1}, count=2)

    assert platform.verify(tell("login_code", user="lan")["code"], now=NOW).subject


def test_a_failing_token_endpoint_keeps_nobody_out(platform, tell):
    for path in ("/cgi-bin/token", "/cgi-bin/stable_token"):
        tell("faults", match={"path": path}, action={"type": "status", "status": 503})

    assert platform.verify(tell("login_code", user="lan")["code"], now=NOW).subject


def test_it_is_a_platform(platform):
    held: Platform = platform

    assert (held.name, held.app_id) == ("wechat_mini", APPID)
