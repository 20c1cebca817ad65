"""Signing in to the back office: what is told to whom, and how often one may try."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine

from app import clock
from app.errors import DomainError, TooMany
from app.staff import accounts, sign_in
from app.staff.roles import Grant
from app.throttle import Limit, Throttle
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import BOSS, PASSWORD, Shop


@pytest.fixture
def office(shop: Shop) -> Shop:
    shop.person("chief", Grant("admin", None))
    shop.person("mei", Grant("clerk", shop.store.id))
    return shop


def log_in(app: Flask, login: str, password: str, address: str = "10.0.0.1") -> Any:
    return app.test_client().post(
        "/office/v1/login",
        json={"login": login, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_a_token_is_given_for_login_and_password(office: Shop, engine: Engine) -> None:
    given = log_in(office.app, "Mei ", PASSWORD).json
    headers = {"Authorization": f"Bearer {given['token']}"}
    me = office.app.test_client().get("/office/v1/me", headers=headers).json
    assert me["grants"] == [{"role": "clerk", "store": "S001"}]
    [(kept,)] = rows(engine, "SELECT token_hash FROM staff_sessions")
    assert given["token"].encode() != kept
    assert len(given["token"]) >= 43


def test_unknown_disabled_and_wrong_get_one_answer(office: Shop) -> None:
    gone = office.person("gone", Grant("clerk", office.store.id))
    accounts.change(
        staff_id=gone.id,
        version=1,
        name=None,
        status="disabled",
        grants=None,
        boss=BOSS,
        now=clock.now(),
    )
    answers = [
        log_in(office.app, login, password)
        for login, password in (("nobody", PASSWORD), ("gone", PASSWORD), ("mei", "a wrong password"))
    ]
    assert {a.status_code for a in answers} == {401}
    assert len({a.json["detail"] + a.json["code"] for a in answers}) == 1
    assert {tuple(sorted(a.json)) for a in answers} == {tuple(sorted(answers[0].json))}


def test_an_unknown_login_costs_a_password_check_too(office: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the clock, which is noisy: by whether the hash function was run at all."""
    asked: list[str | None] = []
    check = sign_in.matches

    def noted(password: str, password_hash: str | None) -> bool:
        asked.append(password_hash)
        return check(password, password_hash)

    monkeypatch.setattr(sign_in, "matches", noted)
    log_in(office.app, "nobody", PASSWORD)
    log_in(office.app, "mei", "a wrong password")
    assert len(asked) == 2
    assert asked[0] is None


def test_five_failures_lock_a_login_for_the_address_they_came_from(office: Shop) -> None:
    for _ in range(5):
        assert log_in(office.app, "mei", "a guess").status_code == 401
    refused = log_in(office.app, "mei", PASSWORD)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == str(refused.json["retry_after_s"])
    assert log_in(office.app, "chief", PASSWORD).status_code == 200


def test_a_stranger_who_fails_on_purpose_does_not_lock_the_clerk_out(office: Shop) -> None:
    for _ in range(40):
        log_in(office.app, "mei", "a guess", "198.51.100.7")
    assert log_in(office.app, "mei", PASSWORD, "10.0.0.99").status_code == 200


def test_fifty_failures_from_many_addresses_lock_a_login_everywhere(office: Shop) -> None:
    for number in range(50):
        assert log_in(office.app, "mei", "a guess", f"10.0.1.{number}").status_code == 401
    assert log_in(office.app, "mei", PASSWORD, "10.0.2.1").status_code == 429


def test_the_addresses_of_one_ipv6_network_are_one_caller(office: Shop) -> None:
    for number in range(5):
        assert log_in(office.app, "mei", "a guess", f"2001:db8:1:2::{number}").status_code == 401
    assert log_in(office.app, "mei", PASSWORD, "2001:db8:1:2:ffff::1").status_code == 429
    assert log_in(office.app, "mei", PASSWORD, "2001:db8:1:3::1").status_code == 200


def test_a_right_password_does_not_forgive_wrong_ones(office: Shop) -> None:
    """Else whoever has one account could guess on and on at others from the same address."""
    for number in range(30):
        log_in(office.app, f"guess-{number}", "a guess")
        if number < 29:
            assert log_in(office.app, "chief", PASSWORD).status_code == 200
    assert log_in(office.app, "chief", PASSWORD).status_code == 429


def guess_together(office: Shop, throttle: Throttle, guessers: int = 16) -> list[str]:
    def guess(_: int) -> str:
        with pytest.raises(DomainError) as refusal:
            sign_in.sign_in(
                login="mei",
                password="a guess",
                terminal=None,
                address="10.0.0.1",
                throttle=throttle,
                now=clock.now(),
            )
        return refusal.value.code

    return race(guessers, guess)


@pytest.mark.parametrize(("redis", "judged"), [(True, 5), (False, 2)])
def test_of_passwords_guessed_at_once_no_more_than_the_limit_are_looked_at(
    office: Shop, redis: bool, judged: int
) -> None:
    answers = guess_together(office, office.parts.throttle if redis else Throttle(None))
    assert answers.count("wrong_login_or_password") == judged
    assert answers.count("too_many_requests") == 16 - judged


def test_counting_after_a_look_would_let_all_of_them_through(
    office: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: all have looked before the first one counts."""
    all_have_looked, check = threading.Barrier(16), sign_in.matches

    def slowly(password: str, password_hash: str | None) -> bool:
        all_have_looked.wait(PATIENCE_S)
        return check(password, password_hash)

    monkeypatch.setattr(sign_in, "matches", slowly)
    monkeypatch.setattr(Throttle, "failing", look_then_count)
    assert guess_together(office, office.parts.throttle) == ["wrong_login_or_password"] * 16


@contextmanager
def look_then_count(
    throttle: Throttle, limit: Limit, *who: object, failure: type[Exception]
) -> Iterator[None]:
    if throttle.used_up(limit, *who):
        raise TooMany(retry_after_s=limit.per_s)
    try:
        yield
    except failure:
        throttle._ask("hit", limit, who)
        raise


def enter_together(office: Shop, throttle: Throttle, people: int = 8) -> list[str]:
    def enter(_: int) -> str:
        try:
            sign_in.sign_in(
                login="mei",
                password=PASSWORD,
                terminal=None,
                address="10.0.0.1",
                throttle=throttle,
                now=clock.now(),
            )
        except TooMany as refusal:
            return refusal.code
        return "in"

    return race(people, enter)


@pytest.mark.parametrize(("redis", "limit"), [(True, 5), (False, 2)])
def test_eight_right_passwords_at_once_all_open_a_session(
    office: Shop, redis: bool, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the limit are in flight at the same moment, so that the others find it full."""
    full, numbers, check = threading.Barrier(limit), itertools.count(), sign_in.matches

    def together(password: str, password_hash: str | None) -> bool:
        if next(numbers) < limit:
            full.wait(PATIENCE_S)
        return check(password, password_hash)

    monkeypatch.setattr(sign_in, "matches", together)
    assert enter_together(office, office.parts.throttle if redis else Throttle(None)) == ["in"] * 8


def test_without_waiting_for_others_right_passwords_would_be_refused(
    office: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: five are in flight until the other three have their answer."""
    answered, check = threading.Barrier(8), sign_in.matches

    def at_last(password: str, password_hash: str | None) -> bool:
        answered.wait(PATIENCE_S)
        return check(password, password_hash)

    def at_once(throttle: Throttle, limit: Limit, who: tuple[object, ...]) -> None:
        try:
            throttle.hit(limit, *who)
        except TooMany:
            answered.wait(PATIENCE_S)
            raise

    monkeypatch.setattr(sign_in, "matches", at_last)
    monkeypatch.setattr(Throttle, "_reserve", at_once)
    answers = enter_together(office, office.parts.throttle)
    assert sorted(answers) == ["in"] * 5 + ["too_many_requests"] * 3


def test_who_is_locked_out_does_not_wait(office: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        log_in(office.app, "mei", "a guess")
    monkeypatch.setattr("app.throttle.time.sleep", lambda _: pytest.fail("it waits"))
    assert log_in(office.app, "mei", PASSWORD).status_code == 429


def test_no_more_than_some_threads_wait(office: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = office.parts.throttle
    for _ in range(5):
        throttle.hit(sign_in.PER_LOGIN_AND_ADDRESS, "mei", "10.0.0.1")
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(throttle, "_waiting", places)
    with places:
        refused = log_in(office.app, "mei", PASSWORD)
    assert (refused.status_code, refused.json["retry_after_s"]) == (429, 3)


class Browser:
    """Keeps its cookies."""

    def __init__(self, office: Shop, site: str = "http://localhost") -> None:
        self._client, self._site = office.app.test_client(), site

    def log_in(self, login: str, password: str, address: str = "10.0.0.1") -> Any:
        return self._client.post(
            "/office/v1/login",
            json={"login": login, "password": password},
            environ_overrides={"REMOTE_ADDR": address},
            base_url=self._site,
        )


def spoil(office: Shop, address: str = "10.0.0.1") -> None:
    """Strangers use up what this address has."""
    for number in range(30):
        log_in(office.app, f"guess-{number}", "a guess", address)


def test_strangers_at_the_same_address_do_not_lock_out_a_browser_that_is_known(office: Shop) -> None:
    known, new = Browser(office), Browser(office)
    assert known.log_in("mei", PASSWORD).status_code == 200
    spoil(office)
    for _ in range(5):
        log_in(office.app, "mei", "a guess")
    assert known.log_in("mei", PASSWORD).status_code == 200
    assert known.log_in("mei", PASSWORD, "10.9.9.9").status_code == 200
    assert known.log_in("chief", PASSWORD).status_code == 429, "nobody signed in there as chief"
    assert new.log_in("mei", PASSWORD).status_code == 429


def test_nor_do_strangers_with_many_addresses(office: Shop) -> None:
    known = Browser(office)
    known.log_in("mei", PASSWORD)
    for number in range(50):
        log_in(office.app, "mei", "a guess", f"10.0.1.{number}")
    assert known.log_in("mei", PASSWORD).status_code == 200


def test_a_known_browser_has_five_wrong_passwords_of_its_own(office: Shop) -> None:
    known = Browser(office)
    for _ in range(3):
        assert known.log_in("mei", PASSWORD).status_code == 200
    assert [known.log_in("mei", "a guess").status_code for _ in range(6)] == [401] * 5 + [429]
    assert known.log_in("mei", PASSWORD).status_code == 429
    assert log_in(office.app, "mei", PASSWORD).status_code == 200, "and uses up nobody else's"


def test_signing_in_again_does_not_forgive_a_browser_its_failures(office: Shop) -> None:
    known = Browser(office)
    known.log_in("mei", PASSWORD)
    for _ in range(5):
        assert known.log_in("mei", "a guess").status_code == 401
        known.log_in("mei", PASSWORD)
    assert known.log_in("mei", PASSWORD).status_code == 429


def test_a_wrong_password_makes_no_browser_known(office: Shop) -> None:
    assert "Set-Cookie" not in log_in(office.app, "mei", "a guess").headers


@pytest.mark.parametrize(
    ("site", "name", "secure"),
    [("http://localhost", "staff-device", False), ("https://shop.test", "__Host-staff-device", True)],
)
def test_the_mark_is_out_of_reach_of_scripts_and_other_sites(
    office: Shop, site: str, name: str, secure: bool
) -> None:
    [cookie] = Browser(office, site).log_in("mei", PASSWORD).headers.getlist("Set-Cookie")
    said = set(cookie.split("; "))
    assert cookie.startswith(f"{name}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= said
    assert ("Secure" in said) == secure
    assert "Domain" not in cookie


def test_thirty_failures_lock_an_address(office: Shop) -> None:
    for number in range(30):
        assert log_in(office.app, f"guess-{number}", "a guess").status_code == 401
    assert log_in(office.app, "mei", PASSWORD).status_code == 429
    assert log_in(office.app, "mei", PASSWORD, "10.0.0.2").status_code == 200


def test_signing_in_well_costs_no_try(office: Shop) -> None:
    assert {log_in(office.app, "mei", PASSWORD).status_code for _ in range(7)} == {200}


def test_without_redis_the_limits_are_halved_not_gone(office: Shop) -> None:
    throttle = Throttle("redis://127.0.0.1:1")
    started = time.monotonic()

    def attempt(password: str) -> None:
        sign_in.sign_in(
            login="mei",
            password=password,
            terminal=None,
            address="10.0.0.1",
            throttle=throttle,
            now=clock.now(),
        )

    with time_machine.travel(
        clock.now(), tick=False
    ):  # what a process counts itself begins anew by the clock
        for _ in range(2):
            with pytest.raises(sign_in.WrongPassword):
                attempt("a guess")
        with pytest.raises(TooMany):
            attempt(PASSWORD)
    assert time.monotonic() - started < 30, "a dead Redis is not waited for again and again"


def test_a_throttle_counts_for_each_of_many_threads() -> None:
    throttle, limit = Throttle(None), Limit("race", 20, 24 * 3600)

    def hit(_: int) -> bool:
        try:
            throttle.hit(limit, "one")
        except TooMany:
            return False
        return True

    assert sum(race(32, hit)) == 10  # half of 20: there is no Redis


def test_a_session_ends_with_its_time(office: Shop) -> None:
    token = log_in(office.app, "mei", PASSWORD).json["token"]
    for later, status in ((timedelta(hours=1, minutes=59), 200), (timedelta(hours=4), 401)):
        with time_machine.travel(clock.now() + later, tick=False):
            given = office.app.test_client().get(
                "/office/v1/me", headers={"Authorization": f"Bearer {token}"}
            )
            assert given.status_code == status


def test_a_session_in_use_ends_after_eight_hours(office: Shop) -> None:
    token = log_in(office.app, "mei", PASSWORD).json["token"]
    start = clock.now()
    seen = []
    for hours in range(1, 10):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            given = office.app.test_client().get(
                "/office/v1/me", headers={"Authorization": f"Bearer {token}"}
            )
            seen.append(given.status_code)
    assert seen == [200] * 7 + [401] * 2


def test_signing_out_ends_this_token_only(office: Shop) -> None:
    first, second = (log_in(office.app, "mei", PASSWORD).json["token"] for _ in range(2))
    client = office.app.test_client()
    assert client.post("/office/v1/logout", headers={"Authorization": f"Bearer {first}"}).status_code == 204
    status = [
        client.get("/office/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (first, second)
    ]
    assert status == [401, 200]


def test_a_reset_while_somebody_signs_in_leaves_no_session_of_the_old_password(
    office: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is checked outside the transaction: the worst moment for a reset is right after that."""
    check = sign_in.matches
    mei = accounts.by_login("mei")

    def reset_after_the_check(password: str, password_hash: str | None) -> bool:
        fits = check(password, password_hash)
        accounts.reset_password(staff_id=mei.id, boss=BOSS, now=clock.now())
        return fits

    monkeypatch.setattr(sign_in, "matches", reset_after_the_check)
    assert log_in(office.app, "mei", PASSWORD).status_code == 401
    assert rows(engine, "SELECT 1 FROM staff_sessions WHERE revoked_at IS NULL") == []
