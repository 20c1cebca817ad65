"""Who takes consent back is told nothing any more; what was on its way keeps its true outcome."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, db
from app.identity import consent
from app.members import home
from app.messages import cancel, lease, outcome, receipt
from app.messages.lease import LEASE, Leased
from app.messages.outcome import Outcome
from app.providers import ProviderUnavailable
from app.providers.wechat.errors import ContentInvalid
from app.withdrawal import withdraw
from tests.messaging import APP_ID, Post, until
from tests.racing import race
from tests.shop import Phone

LONG = timedelta(days=2)


def planned(post: Post, *, credits: int = 1) -> Phone:
    """A member with one receipt that waits."""
    member = post.person("alice", credits=credits)
    post.facts([member.member_id])
    post.relay()
    return member


def leased() -> list[Leased]:
    return lease.lease(channel="wechat_subscribe", app_id=APP_ID, now=clock.now()).messages


def leave(member: Phone) -> None:
    withdraw(member_id=member.member_id, now=clock.now())


def states(post: Post) -> list[tuple[str, str | None]]:
    return [(message["state"], message["reason"]) for message in post.messages()]


CANCELLED = ("cancelled", "consent_withdrawn")


@pytest.mark.parametrize("credits", [1, 0], ids=["by WeChat", "for the inbox"])
def test_what_waits_is_cancelled_and_goes_nowhere(post: Post, credits: int) -> None:
    member = planned(post, credits=credits)

    leave(member)
    post.send(LONG)

    assert states(post) == [CANCELLED]
    assert post.wechat.calls() == 0
    assert post.rows("SELECT id FROM inbox_items") == []
    assert post.credits(member) == credits  # WeChat still has it


def test_the_messages_of_others_are_sent(post: Post) -> None:
    member, other = planned(post), post.person("bob", credits=1)
    post.facts([other.member_id])
    post.relay()

    leave(member)
    post.send()

    assert len(post.wechat.received("bob")) == 1


def test_what_a_worker_holds_and_has_not_begun_is_cancelled(post: Post) -> None:
    member = planned(post)
    held = leased()

    leave(member)

    assert lease.begin(held, now=clock.now()) == []
    lease.give_back(held)
    assert states(post) == [CANCELLED]
    assert post.credits(member) == 1


def test_what_is_on_its_way_keeps_its_outcome(post: Post) -> None:
    member = planned(post)
    begun = lease.begin(leased(), now=clock.now())

    leave(member)
    outcome.record([Outcome(message=begun[0], provider_code="4711", error=None)], now=clock.now())

    assert states(post) == [("sent", None)]
    assert post.credits(member) == 0


def test_what_is_on_its_way_and_would_be_repeated_is_cancelled_instead(post: Post) -> None:
    member = planned(post)
    begun = lease.begin(leased(), now=clock.now())

    leave(member)
    busy = Outcome(message=begun[0], provider_code="-1", error=ProviderUnavailable())
    outcome.record([busy], now=clock.now())
    post.send(LONG)

    assert states(post) == [CANCELLED]
    assert post.rows("SELECT outcome FROM message_attempts") == [("retry",)]
    assert post.wechat.calls() == 0
    assert post.credits(member) == 1


def test_what_a_killed_worker_had_begun_is_unknown(post: Post) -> None:
    member = planned(post)
    lease.begin(leased(), now=clock.now())

    leave(member)
    post.reclaim(LEASE + timedelta(seconds=1))

    assert states(post) == [("unknown", "worker_died")]


def test_what_a_killed_worker_was_putting_into_the_inbox_is_cancelled(post: Post) -> None:
    member = planned(post, credits=0)
    lease.begin(leased(), now=clock.now())

    leave(member)
    post.reclaim(LEASE + timedelta(seconds=1))
    post.send(LONG)

    assert states(post) == [CANCELLED]
    assert post.rows("SELECT id FROM inbox_items") == []


def test_a_sale_that_nobody_has_told_of_yet_is_not_told_of_any_more(post: Post) -> None:
    member = post.person("alice", credits=1)
    post.buy(member)

    leave(member)
    post.relay_and_send()

    assert post.messages() == []
    assert post.rows("SELECT id FROM facts WHERE handled_at IS NULL") == []
    assert post.credits(member) == 1


@contextmanager
def _meanwhile(post: Post, run: Callable[[], None]) -> Iterator[threading.Thread]:
    """`run` in a thread of its own, which has ended or come to wait for a lock before this goes on."""
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    waiting = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until(lambda: not thread.is_alive() or bool(post.rows(waiting)))
    yield thread


def _withdrawn_while_it_is_begun(post: Post) -> list[tuple[str, str | None]]:
    """A worker has written its attempt down and not committed when the withdrawal comes."""
    member = planned(post)
    held = leased()
    asked = {**lease._named(held), "now": clock.now(), "until": clock.now() + LEASE}
    with db.transaction() as session:
        db.ask(session, lease._BEGIN, asked)
        with _meanwhile(post, lambda: leave(member)) as withdrawal:
            pass
    withdrawal.join(60)
    return states(post)


def test_a_message_begun_at_the_same_moment_is_not_called_unsent(post: Post) -> None:
    assert _withdrawn_while_it_is_begun(post) == [("leased", None)]


def test_without_the_lock_it_would_be_called_unsent_though_it_is_on_its_way(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(cancel, "_LOCK", text("SELECT 1"))
    assert _withdrawn_while_it_is_begun(post) == [CANCELLED]


def _planned_during_the_withdrawal(post: Post) -> list[tuple[str, str | None]]:
    """The withdrawal has stopped everything and not committed when the relay comes."""
    member = post.person("alice", credits=1)
    post.facts([member.member_id])
    with db.transaction() as session:
        _all_of_it(session, member)
        with _meanwhile(post, post.relay) as relay:  # type: ignore[arg-type]
            pass
    relay.join(60)
    return states(post)


def _all_of_it(session: Session, member: Phone) -> None:
    consent.take_back(session, member.member_id, now=clock.now())
    cancel.cancel_waiting(session, member.member_id, now=clock.now())


def test_a_relay_that_comes_during_the_withdrawal_plans_nothing(post: Post) -> None:
    assert _planned_during_the_withdrawal(post) == []


def test_without_the_lock_the_relay_would_plan_a_message(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: it looks without waiting."""

    def unlocked(session: Session, member_id: int) -> bool:
        asked = {"id": member_id}
        return (
            session.execute(text("SELECT status FROM members WHERE id = :id"), asked).scalar_one() == "active"
        )

    monkeypatch.setattr(receipt, "_wanted", unlocked)
    # Giving the member a home store waits for the withdrawal as well.
    monkeypatch.setattr(home, "settle", lambda *_: None)
    assert _planned_during_the_withdrawal(post) == [("pending", None)]


def test_a_worker_that_puts_a_message_into_the_inbox_meanwhile_does_not_wait(post: Post) -> None:
    """It holds the message, which the withdrawal wants next: if it waited for the member, neither could go on."""
    member = planned(post)
    begun = lease.begin(leased(), now=clock.now())
    refusal = Outcome(message=begun[0], provider_code="47003", error=ContentInvalid())
    worker = threading.Thread(target=lambda: outcome.record([refusal], now=clock.now()), daemon=True)

    with db.transaction() as session:
        consent.take_back(session, member.member_id, now=clock.now())
        worker.start()
        worker.join(60)
        assert not worker.is_alive()
        cancel.cancel_waiting(session, member.member_id, now=clock.now())

    assert states(post) == [("failed", "content_invalid")]


def test_thirty_members_who_withdraw_while_workers_send_get_their_message_or_their_credit(post: Post) -> None:
    crowd = post.crowd(30, credits=1)
    post.facts(list(crowd))
    post.relay()
    post.wechat.tell("latency", p50_ms=20, p99_ms=60)
    members = list(crowd)

    def run(number: int) -> None:
        if number < 2:
            post.send()
        else:
            withdraw(member_id=members[number - 2], now=clock.now())

    race(32, run)
    post.send()

    found = post.rows("""
        SELECT m.member_id, m.state, c.credits FROM messages m JOIN subscription_credits c
            ON c.member_id = m.member_id AND c.template_id = m.template_id""")
    received = post.wechat.counts()
    assert {(state, credits, received[crowd[member]]) for member, state, credits in found} <= {
        ("sent", 0, 1),
        ("cancelled", 1, 0),
    }
    assert len(found) == 30
