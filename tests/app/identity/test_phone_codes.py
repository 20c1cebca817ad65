"""A phone code is asked about once, also when the process that asked was killed."""

from datetime import timedelta

import pytest

from app import clock
from app.db import Busy, DatabaseAway
from app.idempotency import Request
from app.identity import phone
from app.identity.phone import bind_wechat_phone
from app.identity.platforms import LoginCodeUsed
from app.members.profile import PhoneInUse
from app.providers.places import Places
from tests.chat_apps import PHONE
from tests.conftest import rows
from tests.racing import race


class Killed:
    """WeChat answers, and then the process is gone."""

    def __init__(self, client):
        self._client = client
        self.places = client.places

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


def test_after_a_kill_the_same_request_waits_and_then_asks_for_a_new_code(bind, sandbox):
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


@pytest.mark.parametrize("trouble", [Busy, DatabaseAway])
def test_what_wechat_told_is_not_lost_when_binding_has_to_wait(bind, sandbox, engine, monkeypatch, trouble):
    sandbox.person(phone="13800138000")
    code = sandbox.phone_code()
    shipped = phone.bind_phone

    def in_the_way(**given):
        raise trouble(retry_after_s=1)

    monkeypatch.setattr(phone, "bind_phone", in_the_way)
    with pytest.raises(trouble):
        bind(code)
    [(kept,)] = rows(engine, "SELECT phone_cipher FROM login_codes WHERE provider = 'wechat_phone'")
    assert kept
    assert b"13800138000" not in kept

    monkeypatch.setattr(phone, "bind_phone", shipped)
    assert bind(code).phone == "138****8000"
    assert (sandbox.calls(PHONE), sandbox.billed_numbers()) == (1, 1)
    assert rows(engine, "SELECT phone_cipher FROM login_codes WHERE provider = 'wechat_phone'") == [(None,)]


def test_what_wechat_told_one_request_is_not_told_another(bind, sandbox, monkeypatch):
    code = sandbox.phone_code()

    def in_the_way(**given):
        raise Busy

    monkeypatch.setattr(phone, "bind_phone", in_the_way)
    with pytest.raises(Busy):
        bind(code)
    with pytest.raises(LoginCodeUsed):
        bind(code, key="another")


def test_many_repetitions_with_a_number_in_hand_bind_it_once(bind, sandbox, engine, monkeypatch):
    code = sandbox.phone_code()
    shipped = phone.bind_phone

    def in_the_way(**given):
        raise Busy

    monkeypatch.setattr(phone, "bind_phone", in_the_way)
    with pytest.raises(Busy):
        bind(code)
    monkeypatch.setattr(phone, "bind_phone", shipped)

    assert len({bound.phone for bound in race(16, lambda _: bind(code))}) == 1
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action = 'member.bind_phone'") == [(1,)]
    assert sandbox.calls(PHONE) == 1


def test_a_refused_number_is_not_kept(bind, sandbox, engine, monkeypatch):
    def taken(**given):
        raise PhoneInUse

    monkeypatch.setattr(phone, "bind_phone", taken)
    with pytest.raises(PhoneInUse):
        bind(sandbox.phone_code())
    assert rows(engine, "SELECT phone_cipher FROM login_codes WHERE provider = 'wechat_phone'") == [(None,)]


def test_without_a_place_to_wait_nothing_is_asked_counted_or_used_up(bind, sandbox, wechat_app, monkeypatch):
    client = wechat_app.extensions["parts"].wechat
    code = sandbox.phone_code()
    full = Places(1)
    monkeypatch.setattr(client, "places", full)
    with full.one():
        for _ in range(phone.PER_MEMBER.amount + 2):
            with pytest.raises(Busy):
                bind(code)
    assert sandbox.calls(PHONE) == 0

    assert bind(code).phone.count("*") == 4
