"""A token is good until its time, its logout or its member's freezing, and never rests anywhere."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock, db
from app.errors import Unauthenticated
from app.identity.sessions import end_all, log_out, open_session, prune, signed_in
from tests.conftest import rows

NOW = clock.now()


@pytest.fixture
def member_id(shop):
    return shop.member().member_id


def opened(member_id, *, days=30, at=NOW):
    with db.transaction() as session:
        return open_session(session, member_id, lifetime_days=days, now=at)


def change(engine, statement):
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_a_token_names_its_member(member_id):
    token, expires_at = opened(member_id)

    assert signed_in(token, now=NOW).id == member_id
    assert expires_at == NOW + timedelta(days=30)


def test_a_token_ends_on_the_dot(member_id):
    token, expires_at = opened(member_id)

    assert signed_in(token, now=expires_at - timedelta(microseconds=1)).id == member_id
    with pytest.raises(Unauthenticated):
        signed_in(token, now=expires_at)


def test_logging_out_ends_one_phone_and_leaves_the_other(member_id):
    here, _ = opened(member_id)
    elsewhere, _ = opened(member_id)

    log_out(signed_in(here, now=NOW), now=NOW)

    with pytest.raises(Unauthenticated):
        signed_in(here, now=NOW)
    assert signed_in(elsewhere, now=NOW).id == member_id


def test_all_phones_of_one_member_can_be_ended(shop, member_id):
    tokens = [opened(member_id)[0] for _ in range(3)]
    other = shop.member()

    with db.transaction() as session:
        end_all(session, member_id, now=NOW)

    for token in tokens:
        with pytest.raises(Unauthenticated):
            signed_in(token, now=NOW)
    assert signed_in(other.token, now=NOW).id == other.member_id


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_frozen_member_is_signed_out_at_once_and_back_when_thawed(engine, member_id, status):
    token, _ = opened(member_id)
    change(engine, f"UPDATE members SET status = '{status}'")

    with pytest.raises(Unauthenticated):
        signed_in(token, now=NOW)

    change(engine, "UPDATE members SET status = 'active'")
    assert signed_in(token, now=NOW).id == member_id


def test_garbage_is_nobody(shop):
    for garbage in ("", "x", "\x00", "张" * 40):
        with pytest.raises(Unauthenticated):
            signed_in(garbage, now=NOW)


def test_the_hash_itself_is_not_a_token(engine, member_id):
    opened(member_id)
    for (stored,) in rows(engine, "SELECT encode(token_hash, 'hex') FROM member_sessions"):
        with pytest.raises(Unauthenticated):
            signed_in(str(stored), now=NOW)


def test_tokens_are_long_and_never_the_same(member_id):
    tokens = {opened(member_id)[0] for _ in range(20)}

    assert len(tokens) == 20
    assert min(map(len, tokens)) == 43


def test_ended_sessions_are_forgotten_and_live_ones_kept(shop, member_id, engine):
    opened(member_id, days=1, at=NOW - timedelta(days=60))
    live, _ = opened(member_id)
    before = rows(engine, "SELECT count(*) FROM member_sessions")[0][0]

    assert prune(before=NOW - timedelta(days=30)) == 1
    assert rows(engine, "SELECT count(*) FROM member_sessions") == [(before - 1,)]
    assert signed_in(live, now=NOW).id == member_id
