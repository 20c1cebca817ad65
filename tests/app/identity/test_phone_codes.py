"""A phone code is asked about once, also when the process that asked was killed."""

from datetime import timedelta

import pytest

from app import clock
from app.db import Busy
from app.idempotency import Request
from app.identity import phone
from app.identity.phone import bind_wechat_phone
from app.identity.platforms import LoginCodeUsed
from tests.chat_apps import PHONE


class Killed:
    """WeChat answers, and then the process is gone."""

    def __init__(self, client):
        self._client = client

    def phone_number(self, code):
        self._client.phone_number(code)
        raise SystemExit


@pytest.fixture
def bind(wechat_app, alice):
    parts = wechat_app.extensions["parts"]
    start = clock.now()

    def run(code, *, at_s=0, client=None, key="key"):
        return bind_wechat_phone(
            member_id=alice.member_id,
            code=code,
            request=Request(scope=f"member:{alice.member_id}", key=key, hash=b"the body"),
            client=client or parts.wechat,
            vault=parts.phones,
            throttle=parts.throttle,
            now=start + timedelta(seconds=at_s),
        )

    run.killed = lambda code: run(code, client=Killed(parts.wechat))
    return run


def test_after_a_kill_the_same_request_waits_and_then_asks_for_a_new_code(bind, sandbox, monkeypatch):
    monkeypatch.setattr(phone, "TWIN_WAIT_S", 0.1)
    code = sandbox.phone_code()
    with pytest.raises(SystemExit):
        bind.killed(code)

    with pytest.raises(Busy):
        bind(code, at_s=29)
    with pytest.raises(LoginCodeUsed):
        bind(code, at_s=30)

    assert (sandbox.calls(PHONE), sandbox.billed_numbers()) == (1, 1)
    assert bind(sandbox.phone_code(), at_s=31).phone.count("*") == 4


def test_after_a_kill_another_request_with_the_code_is_refused_at_once(bind, sandbox):
    code = sandbox.phone_code()
    with pytest.raises(SystemExit):
        bind.killed(code)

    with pytest.raises(LoginCodeUsed):
        bind(code, key="another")
