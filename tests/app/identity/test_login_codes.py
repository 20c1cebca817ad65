"""What is remembered of a login code, for how long, and what a killed process leaves behind."""

from datetime import timedelta

import pytest

from app import clock
from app.db import Busy
from app.identity.login import ConsentRequired, log_in, prune
from app.identity.platforms import LoginCodeUsed, PlatformUnavailable
from tests.chat_apps import LOGIN, VERSION
from tests.conftest import rows
from tests.racing import race


@pytest.fixture
def enter(wechat_app):
    """`enter(code, …)` logs in as the route does, at a time of the test's choosing."""
    parts = wechat_app.extensions["parts"]
    start = clock.now()

    def run(code, *, at_s=0, consent=VERSION, key="key", platforms=None):
        return log_in(
            platforms=platforms or parts.platforms,
            provider="wechat_mini",
            code=code,
            consent=consent,
            key=key,
            language="zh",
            terms=parts.terms,
            now=start + timedelta(seconds=at_s),
            vault=parts.phones,
        )

    return run


class Between:
    """A platform with something happening before or after the real one answers."""

    name = "wechat_mini"

    def __init__(self, real, *, before=None, after=None):
        self._real, self._before, self._after = real, before, after
        self.app_id = real.app_id

    def canonical(self, credential):
        return self._real.canonical(credential)

    def verify(self, credential, *, now):
        if self._before:
            self._before()
        identity = self._real.verify(credential, now=now)
        if self._after:
            self._after()
        return identity


@pytest.fixture
def between(wechat_app):
    real = wechat_app.extensions["parts"].platforms["wechat_mini"]
    return lambda **what: {"wechat_mini": Between(real, **what)}


def killed():
    raise SystemExit


def fails():
    raise PlatformUnavailable


def test_a_claim_left_by_a_killed_process_is_taken_over_after_30_seconds(enter, between, sandbox):
    code = sandbox.login_code()
    with pytest.raises(SystemExit):
        enter(code, platforms=between(before=killed))

    with pytest.raises(Busy):
        enter(code, at_s=29)

    assert enter(code, at_s=30).created


def test_a_code_redeemed_by_a_killed_process_is_used_up_and_a_new_one_serves(enter, between, sandbox, engine):
    code = sandbox.login_code()
    with pytest.raises(SystemExit):
        enter(code, platforms=between(after=killed))

    with pytest.raises(LoginCodeUsed):
        enter(code, at_s=30)

    assert rows(engine, "SELECT count(*) FROM login_codes") == [(0,)]
    assert enter(sandbox.login_code(), at_s=31).created


def test_one_of_many_takes_a_stale_claim_over(enter, between, sandbox):
    code = sandbox.login_code()
    with pytest.raises(SystemExit):
        enter(code, platforms=between(before=killed))

    def again(_):
        try:
            return enter(code, at_s=40).member_id
        except Busy:
            return None

    found = race(16, again)

    assert len({member_id for member_id in found if member_id is not None}) == 1
    assert sandbox.calls(LOGIN) == 1
    assert again(0) in found


def test_a_twin_of_a_login_that_is_running_is_told_so_at_once(enter, between, sandbox):
    code, met = sandbox.login_code(), []

    def twin():
        with pytest.raises(Busy) as refusal:
            enter(code)
        met.append(refusal.value.data)

    assert enter(code, platforms=between(before=twin)).created
    assert met == [{"retry_after_s": 1}]
    assert enter(code).created
    assert sandbox.calls(LOGIN) == 1


def test_a_slow_failure_does_not_undo_what_a_faster_one_found_out(enter, between, sandbox, engine):
    """The first was taken for dead; the second took over and finished; then the first fails after all."""
    code = sandbox.login_code()

    def taken_over_then_fails():
        assert enter(code, at_s=31).created
        fails()

    with pytest.raises(PlatformUnavailable):
        enter(code, platforms=between(before=taken_over_then_fails))

    assert rows(engine, "SELECT state FROM login_codes") == [("known",)]
    assert not enter(sandbox.login_code(), at_s=32, consent=None).created


def test_a_slow_success_counts_for_the_one_who_took_over(enter, between, sandbox):
    code = sandbox.login_code()

    def taken_over_in_vain():
        with pytest.raises(LoginCodeUsed):
            enter(code, at_s=31, platforms=between())

    with pytest.raises(LoginCodeUsed):
        enter(code, platforms=between(after=taken_over_in_vain))

    assert enter(sandbox.login_code(), at_s=32).created


def test_the_outcome_of_a_code_is_forgotten_after_5_minutes(enter, sandbox):
    code = sandbox.login_code()
    with pytest.raises(ConsentRequired):
        enter(code, consent=None)
    with pytest.raises(ConsentRequired):
        enter(code, at_s=299, consent=None)

    with pytest.raises(LoginCodeUsed):
        enter(code, at_s=300)

    assert sandbox.calls(LOGIN) == 1


def test_a_retry_after_5_minutes_gets_no_token(enter, sandbox):
    code = sandbox.login_code()
    enter(code)
    assert enter(code, at_s=299).created

    with pytest.raises(LoginCodeUsed):
        enter(code, at_s=300)


def test_old_codes_are_pruned_and_young_ones_kept(enter, sandbox, engine):
    enter(sandbox.login_code("alice"), key="a")
    enter(sandbox.login_code("bob"), at_s=100, key="b")

    assert prune(before=clock.now() + timedelta(seconds=50)) == 1
    assert rows(engine, "SELECT count(*) FROM login_codes") == [(1,)]


def test_neither_code_nor_key_nor_token_rests_in_the_database(enter, sandbox, engine):
    code = sandbox.login_code()

    token = enter(code, key="the-key-of-this-request").token

    tables = "login_codes", "member_sessions", "member_identities", "facts", "audit_log", "idempotency_keys"
    stored = repr([rows(engine, f"SELECT t::text FROM {table} t") for table in tables])
    for secret in (code, token, "the-key-of-this-request"):
        assert secret not in stored
        assert secret.encode().hex() not in stored


def test_what_logging_in_hands_over_does_not_show_the_identity(wechat_app, sandbox):
    identity = (
        wechat_app.extensions["parts"].platforms["wechat_mini"].verify(sandbox.login_code(), now=clock.now())
    )

    assert identity.subject not in repr(identity)
    assert (identity.union_subject or "-") not in repr(identity)
