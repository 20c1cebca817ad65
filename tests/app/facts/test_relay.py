"""Each fact has its effect once, whatever else happens."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import clock, db
from app.facts import relay as relaying
from app.facts.models import Fact
from app.facts.relay import Relay
from app.facts.tell import tell
from app.members import home
from app.segments import totals
from app.tiers import review
from tests.messaging import Post
from tests.racing import race

LONG = timedelta(hours=2)


def told(*subjects: str, kind: str = "something") -> None:
    now = clock.now()
    with db.transaction() as session:
        for subject in subjects:
            tell(session, kind, subject=subject, member_id=None, payload={}, now=now)


def unhandled(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(
            connection.execute(
                text("SELECT subject FROM facts WHERE handled_at IS NULL ORDER BY id")
            ).scalars()
        )


def recorder(*poison: str) -> tuple[Relay, list[str]]:
    """A relay with one consumer, which fails for `poison`, and what it was given."""
    seen: list[str] = []

    def consume(session: Session, fact: Fact, now: object) -> None:
        seen.append(fact.subject)
        if fact.subject in poison:
            raise ValueError(fact.subject)

    return Relay({"something": consume}), seen


def test_facts_are_handled_in_their_order_and_once(engine: Engine) -> None:
    told("a", "b", "c")
    relay, seen = recorder()

    assert relay.run(now=clock.now()) == 3
    assert relay.run(now=clock.now()) == 0

    assert seen == ["a", "b", "c"]
    assert unhandled(engine) == []


def test_a_fact_that_nobody_reacts_to_is_marked_too(engine: Engine) -> None:
    told("a", kind="of_no_interest")
    assert recorder()[0].run(now=clock.now()) == 1
    assert unhandled(engine) == []


def test_one_poisoned_fact_does_not_hold_up_the_others(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    told("a", "poison", "b")
    relay, _ = recorder("poison")

    with caplog.at_level(logging.ERROR):
        relay.run(now=clock.now())

    assert unhandled(engine) == ["poison"]
    assert "(something) could not be handled" in caplog.text


def test_more_poison_than_a_batch_holds_does_not_hold_up_the_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "BATCH", 5)
    poison = [f"poison-{n}" for n in range(12)]
    told(*poison, "a", "b")
    relay, _ = recorder(*poison)

    for _ in range(4):
        relay.run(now=clock.now())

    assert unhandled(engine) == poison


def test_a_poisoned_fact_rests_longer_each_time_and_is_never_given_up(engine: Engine) -> None:
    told("poison")
    relay, seen = recorder("poison")
    at = clock.now()
    relay.run(now=at)

    for rest_s in (5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600):
        tries = len(seen)
        relay.run(now=at + timedelta(seconds=rest_s - 1))
        assert len(seen) == tries
        at += timedelta(seconds=rest_s)
        relay.run(now=at)
        assert len(seen) == tries + 1
    assert unhandled(engine) == ["poison"]


def test_a_mended_consumer_handles_what_was_left(engine: Engine) -> None:
    told("poison")
    recorder("poison")[0].run(now=clock.now())

    recorder()[0].run(now=clock.now())  # the worker was started again

    assert unhandled(engine) == []


def test_what_a_failing_consumer_wrote_is_undone_and_what_others_wrote_stays(engine: Engine) -> None:
    told("a", "poison", "b")

    def consume(session: Session, fact: Fact, now: object) -> None:
        session.execute(
            text("INSERT INTO facts (kind, subject, payload, created_at) VALUES ('echo', :s, '{}', now())"),
            {"s": fact.subject},
        )
        if fact.subject == "poison":
            session.execute(text("INSERT INTO facts (id) VALUES (1)"))  # the database refuses

    Relay({"something": consume}).run(now=clock.now())

    with engine.connect() as connection:
        echoes = connection.execute(text("SELECT subject FROM facts WHERE kind = 'echo' ORDER BY id"))
        assert list(echoes.scalars()) == ["a", "b"]


def test_a_lost_connection_leaves_everything_for_the_next_run(engine: Engine) -> None:
    told("a", "b", "c")

    def consume(session: Session, fact: Fact, now: object) -> None:
        if fact.subject == "b":
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    relay = Relay({"something": consume})
    with pytest.raises(db.DatabaseAway):
        relay.run(now=clock.now())
    assert unhandled(engine) == ["a", "b", "c"]

    healthy, seen = recorder()
    healthy.run(now=clock.now())
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize("way", ["wait for the lock", "nest a transaction"])
def test_a_consumer_that_waits_or_nests_fails_alone(engine: Engine, way: str) -> None:
    told("stuck", "b")

    def consume(session: Session, fact: Fact, now: object) -> None:
        if fact.subject != "stuck":
            return
        if way == "nest a transaction":
            with db.transaction():
                raise AssertionError("not reached")
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        session.execute(text("LOCK TABLE stores IN ACCESS EXCLUSIVE MODE"))

    with engine.connect() as other:
        other.execute(text("LOCK TABLE stores"))
        Relay({"something": consume}).run(now=clock.now())

    assert unhandled(engine) == ["stuck"]


def _planned_by_eight_relays(post: Post) -> int:
    """How many messages came of 40 sales, handed over by 8 processes at once, again and again."""
    members = [post.person(f"m{n}").member_id for n in range(4)]
    post.facts(members, each=10)

    def run(_: int) -> None:
        for _ in range(5):
            post.relay()

    race(8, run)
    post.relay()
    return len(post.messages())


def test_eight_relays_at_once_plan_each_receipt_once(post: Post) -> None:
    assert _planned_by_eight_relays(post) == 40
    assert post.rows("SELECT id FROM facts WHERE handled_at IS NULL") == []


@pytest.mark.long
def test_without_locks_and_unique_key_eight_relays_plan_too_many(
    unaudited_post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    with unaudited_post.engine.begin() as connection:
        connection.execute(text("ALTER TABLE messages DROP CONSTRAINT uq_messages_dedupe_key"))

    def unlocked(session: Session, waiting: object) -> Sequence[Fact]:
        return session.scalars(select(Fact).where(Fact.handled_at.is_(None)).order_by(Fact.id)).all()

    monkeypatch.setattr(relaying, "_taken", unlocked)
    # The member's home store and the notes about tier and purchases are locks as well: one relay at a time gets to the
    # receipt.
    monkeypatch.setattr(home, "settle", lambda *_: None)
    monkeypatch.setattr(review, "note", lambda *_, **__: None)
    monkeypatch.setattr(totals, "note", lambda *_: None)
    assert _planned_by_eight_relays(unaudited_post) > 40


def test_facts_handed_over_again_plan_nothing_more(post: Post) -> None:
    member = post.person("alice", credits=2)
    post.buy(member)
    post.relay()
    with post.engine.begin() as connection:
        connection.execute(text("UPDATE facts SET handled_at = NULL"))

    post.relay()

    assert len(post.messages()) == 1
    assert post.credits(member) == 1
    assert post.rows("SELECT id FROM facts WHERE handled_at IS NULL") == []


def test_the_database_refuses_a_second_message_for_one_sale(post: Post) -> None:
    post.facts([post.person("alice").member_id])
    post.relay()
    with pytest.raises(IntegrityError), post.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO messages
                    (id, member_id, kind, category, channel, dedupe_key, params, due_at, created_at)
                SELECT 'another', member_id, kind, category, channel, dedupe_key, params, due_at, created_at
                FROM messages""")
        )
