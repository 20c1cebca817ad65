"""WeChat is down, busy, lying or lost on the way: the member is told, and the next try is not in its way."""

from tests.chat_apps import LOGIN, Sandbox, Visitor
from tests.conftest import rows

NOT_DONE = [
    ("status", {"status": 500}, 503, "platform_unavailable"),
    ("status", {"status": 502}, 503, "platform_unavailable"),
    ("status", {"status": 504}, 503, "platform_unavailable"),
    ("errcode", {"errcode": -1}, 503, "platform_unavailable"),
    ("errcode", {"errcode": 45011}, 429, "too_many_requests"),
    ("errcode", {"errcode": 40013}, 503, "platform_misconfigured"),
    ("errcode", {"errcode": 99999}, 503, "platform_misconfigured"),
    ("html", {}, 503, "platform_unavailable"),
    ("malformed_json", {}, 503, "platform_unavailable"),
    ("drop", {}, 503, "platform_unavailable"),
]


def stored(engine):
    return rows(
        engine,
        "SELECT (SELECT count(*) FROM login_codes), (SELECT count(*) FROM members),"
        " (SELECT count(*) FROM member_sessions)",
    )


def test_a_failure_before_the_code_was_redeemed_lets_the_same_code_through_later(
    visitor: Visitor, sandbox: Sandbox, engine
):
    for number, (action, details, status, code) in enumerate(NOT_DONE):
        login_code, before = sandbox.login_code(f"person-{number}"), stored(engine)
        sandbox.fault(LOGIN, action, **details)

        failed = visitor.login(login_code, key="one")

        assert (failed.status_code, failed.json["code"]) == (status, code), (action, details)
        assert stored(engine) == before

        sandbox.heal()
        assert visitor.login(login_code, key="one").status_code == 200


def test_an_answer_lost_after_the_code_was_redeemed_asks_for_a_new_code(visitor, sandbox, engine):
    for action in ("drop", "truncated", "html", "malformed_json"):
        login_code, before = sandbox.login_code(action), stored(engine)
        sandbox.fault(LOGIN, action, moment="after")

        assert visitor.login(login_code, key="one").json["code"] == "platform_unavailable"
        sandbox.heal()
        retried = visitor.login(login_code, key="one")

        assert (retried.status_code, retried.json["code"]) == (401, "login_code_used")
        assert stored(engine) == before
        assert visitor.login(sandbox.login_code(action)).status_code == 200


def test_a_wechat_that_hangs_is_given_up_on(visitor, sandbox, engine, wechat_app, monkeypatch):
    exchange = wechat_app.extensions["parts"].wechat._transport._exchange
    monkeypatch.setattr(exchange, "_timeouts_s", (60, 1))
    login_code = sandbox.login_code()
    sandbox.fault(LOGIN, "timeout")

    failed = visitor.login(login_code)

    assert (failed.status_code, failed.json["code"]) == (503, "platform_unavailable")
    assert stored(engine) == [(0, 0, 0)]


def test_a_wechat_that_is_busy_for_a_moment_is_asked_again(visitor, sandbox):
    sandbox.tell(
        "faults", match={"path": LOGIN}, action={"type": "errcode", "errcode": -1}, moment="before", count=2
    )

    assert visitor.login(sandbox.login_code()).status_code == 200
    assert sandbox.calls(LOGIN) == 3


def test_members_get_in_while_the_access_token_is_not_to_be_had(visitor, sandbox):
    sandbox.fault("/cgi-bin/stable_token", "status", status=500)

    assert visitor.login(sandbox.login_code()).status_code == 200


def test_refusals_are_told_in_the_callers_language(visitor, sandbox):
    code = sandbox.login_code()

    chinese = visitor.login(code, consent=None, headers={"Accept-Language": "zh-CN"}).json["detail"]
    english = visitor.login(code, consent=None, headers={"Accept-Language": "en-GB"}).json["detail"]

    assert chinese == "请先阅读并同意《会员服务与隐私政策》。"
    assert english == "Please read and agree to the terms and privacy policy first."
