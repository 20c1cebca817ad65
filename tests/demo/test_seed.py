"""The made-up past: told through the product's own doors, complete, and in the past."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app import clock, settings
from app.parts import assemble
from demo import chain, configuration, history, keys, seed
from demo.folder import Folder
from demo.wechat import Sandbox
from tests.conftest import rows
from wechat_sandbox.process import start

MEMBERS = 6


@pytest.fixture
def known(tmp_path_factory: pytest.TempPathFactory) -> keys.Keys:
    return keys.load_or_make(Folder(tmp_path_factory.mktemp("keys")))


@pytest.mark.long
def test_the_past_is_complete_and_its_books_are_sound(
    engine: Engine, database_url: str, redis_url: str, known: keys.Keys
) -> None:
    now = clock.now()
    with start(configuration.sandbox(known, app_url="http://127.0.0.1:9")) as sandbox_url:
        given = configuration.product(
            known,
            database_url=database_url,
            redis_url=redis_url,
            sandbox_url=sandbox_url,
            app_url="http://127.0.0.1:9",
            pay_keys=Sandbox(sandbox_url).pay_keys(),
            mail_port=Sandbox(sandbox_url).mail_port(),
        )
        till_keys = seed.fill(
            assemble(settings.load(given)),
            Sandbox(sandbox_url),
            members=MEMBERS,
            password=known.password,
            now=now,
        )

    assert assemble(settings.load(given)).wechat_pay is not None
    # The books themselves are recounted when `engine` ends.
    assert sorted(till_keys) == [f"{store.code}/{code}" for store in chain.STORES for code, _ in store.tills]
    assert rows(engine, "SELECT role FROM staff_roles ORDER BY id") == [(p.role,) for p in chain.STAFF]
    assert rows(engine, "SELECT count(*), count(DISTINCT name) FROM members") == [(MEMBERS, MEMBERS)]
    [(sales, newest, oldest)] = rows(engine, "SELECT count(*), max(occurred_at), min(occurred_at) FROM sales")
    bought = [e for e in history.events(MEMBERS, sorted(till_keys), now=now) if isinstance(e, history.Buys)]
    assert sales == len(bought) + 1
    assert rows(engine, "SELECT amount_fen, bonus_fen, points FROM top_ups ORDER BY id") == [
        (10_000, 0, 0),
        (30_000, 3_000, 300),
    ]
    assert rows(engine, "SELECT state FROM settlements") == [("closed",)]
    assert rows(engine, "SELECT owed_fen FROM settlement_closings") == [(10_000,)]
    assert rows(engine, "SELECT 1 FROM tier_changes LIMIT 1") == [(1,)]
    # Whether one of so few members was gold, or came on the member day, is chance: not so with the demo's fifty.
    assert rows(engine, "SELECT count(*) FROM discount_rules") == [(2,)]
    assert rows(engine, "SELECT count(*) FROM reward_items WHERE state = 'live'") == [(4,)]
    assert rows(engine, "SELECT count(*) FROM event_sessions WHERE starts_at > :now", now=now) == [(2,)]
    assert rows(engine, "SELECT state, count(*) FROM coupon_templates GROUP BY 1") == [("live", 5)]
    assert rows(engine, "SELECT kind, state FROM activities ORDER BY kind") == [
        ("check_in", "live"),
        ("lottery", "live"),
        ("referral", "live"),
        ("survey", "live"),
    ]
    assert rows(engine, "SELECT streak FROM check_ins ORDER BY day") == [(1,), (2,)]
    assert rows(engine, "SELECT count(*) FROM lottery_rounds") == [(1,)]
    assert now - timedelta(days=history.DAYS + 1) < oldest < newest < now  # type: ignore[operator]
    assert rows(engine, "SELECT count(*) FROM inbox_items WHERE created_at < :now", now=now) == [
        (sales + 2 + MEMBERS,)
    ]  # type: ignore[operator]
    assert rows(engine, "SELECT count(*) FROM facts WHERE handled_at IS NULL") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM messages WHERE state <> 'sent'") == [(0,)]


def test_the_past_is_the_same_each_time_but_for_its_dates() -> None:
    now, tills = clock.now(), ["S001/T1", "S002/T1"]

    once, again = (history.events(50, tills, now=now + timedelta(days=days)) for days in (0, 1))

    assert [event.person for event in once] == [event.person for event in again]
    assert {b.at - a.at for a, b in zip(once, again, strict=True)} == {timedelta(days=1)}


def test_nobody_buys_before_joining_or_in_the_future() -> None:
    now = clock.now()
    joined: set[str] = set()
    for event in history.events(400, ["S001/T1"], now=now):
        assert event.at < now
        if isinstance(event, history.Joins):
            joined.add(event.person.wechat)
        assert event.person.wechat in joined


def test_names_are_names_and_no_two_are_alike() -> None:
    people = [
        e.person for e in history.events(400, ["S001/T1"], now=clock.now()) if isinstance(e, history.Joins)
    ]

    assert len({person.name for person in people}) == 400
    assert all(2 <= len(person.name) <= 3 for person in people)
