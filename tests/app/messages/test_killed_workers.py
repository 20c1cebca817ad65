"""Workers that die, stall or are stopped: nothing is lost and nothing comes twice to a phone."""

import signal
from datetime import timedelta

import pytest

from app import clock
from app.messages import lease, outcome
from app.messages.deliver import GROUP, LANES
from app.messages.lease import LEASE, Leased
from app.messages.outcome import Outcome
from app.providers.wechat.errors import NoSubscription
from tests.messaging import APP_ID, Post, reckoned_up, until, worker

AFTER_THE_LEASE = LEASE + timedelta(seconds=1)


def leased(post: Post, later: timedelta = timedelta()) -> list[Leased]:
    """As another process would do it."""
    return lease.lease(channel="wechat_subscribe", app_id=APP_ID, now=clock.now() + later).messages


def sent(message: Leased) -> list[Outcome]:
    return [Outcome(message=message, provider_code="4711", error=None)]


def test_a_worker_killed_in_the_middle_of_sending_loses_nothing_and_doubles_nothing(post: Post) -> None:
    crowd = post.crowd(90, credits=2)
    post.facts(list(crowd))
    post.relay()
    post.wechat.tell("latency", p50_ms=600, p99_ms=1_200)

    with worker(post) as process:
        # Soon after the first answers: a worker that is looked at late would be done.
        until(lambda: post.wechat.send_answers().get("0", 0) >= 10)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    post.wechat.tell("latency", p50_ms=0)
    assert post.rows("SELECT 1 FROM messages WHERE state = 'leased'") != []

    post.send()  # others do not touch what is leased
    assert post.reclaim(timedelta()) == 0
    assert post.reclaim(AFTER_THE_LEASE) > 0
    post.send(AFTER_THE_LEASE)
    post.send(AFTER_THE_LEASE)

    counts = post.wechat.counts()
    received = {member_id: counts[openid] for member_id, openid in crowd.items()}
    assert max(received.values()) == 1
    states = reckoned_up(post)
    assert states["sent"] + states["unknown"] == 90
    assert 0 < states["unknown"] <= GROUP * LANES
    in_the_inbox = {member_id for (member_id,) in post.rows("SELECT member_id FROM inbox_items")}
    assert all(count == 1 or member_id in in_the_inbox for member_id, count in received.items())


@pytest.mark.long
def test_a_worker_that_is_told_to_stop_ends_what_it_began_and_gives_the_rest_back(post: Post) -> None:
    crowd = post.crowd(150, credits=1)
    post.facts(list(crowd))
    post.relay()
    post.wechat.tell("latency", p50_ms=200, p99_ms=300)

    with worker(post) as process:
        until(lambda: post.wechat.send_answers().get("0", 0) >= 1)
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)
    post.wechat.tell("latency", p50_ms=0)

    assert process.returncode == 0
    assert logged == ""
    states = dict(post.rows("SELECT state, count(*) FROM messages GROUP BY 1"))
    assert set(states) == {"sent", "pending"}
    post.send()
    assert reckoned_up(post) == {"sent": 150}
    assert post.wechat.send_answers() == {"0": 150}


def test_what_was_leased_and_not_begun_waits_for_the_next_worker(post: Post) -> None:
    post.facts([post.person("alice", credits=1).member_id])
    post.relay()
    assert len(leased(post)) == 1

    post.send()
    assert post.wechat.calls() == 0
    post.reclaim(AFTER_THE_LEASE)
    post.send(AFTER_THE_LEASE)

    assert len(post.wechat.received("alice")) == 1
    assert reckoned_up(post) == {"sent": 1}


def test_what_was_begun_is_unknown_when_the_lease_ran_out(post: Post) -> None:
    member = post.person("alice", credits=1)
    post.facts([member.member_id])
    post.relay()
    lease.begin(leased(post), now=clock.now())

    post.reclaim(AFTER_THE_LEASE)
    post.send(AFTER_THE_LEASE)

    assert post.wechat.calls() == 0
    assert reckoned_up(post) == {"unknown": 1}
    assert post.messages()[0]["reason"] == "worker_died"
    assert len(post.inbox(member)) == 1


def test_an_inbox_message_begun_by_a_killed_worker_is_put_there_later(post: Post) -> None:
    member = post.person("alice")
    post.facts([member.member_id])
    post.relay()
    lease.begin(leased(post), now=clock.now())

    post.reclaim(AFTER_THE_LEASE)
    post.send(AFTER_THE_LEASE)

    assert len(post.inbox(member)) == 1
    assert reckoned_up(post) == {"sent": 1}


def test_a_stalled_worker_may_not_begin_after_its_lease(post: Post) -> None:
    post.facts([post.person("alice", credits=1).member_id])
    post.relay()
    stalled = leased(post)

    assert lease.begin(stalled, now=clock.now() + AFTER_THE_LEASE) == []
    post.reclaim(AFTER_THE_LEASE)
    post.send(AFTER_THE_LEASE)
    assert lease.begin(stalled, now=clock.now()) == []
    lease.give_back(stalled)

    assert reckoned_up(post) == {"sent": 1}
    assert post.wechat.calls() == 1


def test_of_two_that_hold_one_message_only_one_begins(post: Post) -> None:
    post.facts([post.person("alice", credits=1).member_id])
    post.relay()
    first = leased(post)
    post.reclaim(AFTER_THE_LEASE)
    second = leased(post, AFTER_THE_LEASE)

    begun = [
        lease.begin(first, now=clock.now() + AFTER_THE_LEASE),
        lease.begin(second, now=clock.now() + AFTER_THE_LEASE),
    ]

    assert sorted(len(messages) for messages in begun) == [0, 1]
    outcome.record(sent(second[0]), now=clock.now())
    assert reckoned_up(post) == {"sent": 1}


def test_a_stalled_worker_gives_back_nothing_that_another_one_holds_now(post: Post) -> None:
    post.facts([post.person("alice", credits=1).member_id])
    post.relay()
    stalled = leased(post)
    post.reclaim(AFTER_THE_LEASE)
    held = leased(post, AFTER_THE_LEASE)

    lease.give_back(stalled)
    assert lease.begin(stalled, now=clock.now() + AFTER_THE_LEASE) == []

    assert leased(post, AFTER_THE_LEASE) == []
    assert lease.begin(held, now=clock.now() + AFTER_THE_LEASE) == held


def test_a_late_answer_is_written_to_the_attempt_and_changes_nothing_else(post: Post) -> None:
    member = post.person("alice", credits=1)
    post.facts([member.member_id])
    post.relay()
    [late] = lease.begin(leased(post), now=clock.now())
    post.reclaim(AFTER_THE_LEASE)

    outcome.record(sent(late), now=clock.now())
    outcome.record(sent(late), now=clock.now())

    assert reckoned_up(post) == {"unknown": 1}
    assert post.rows("SELECT outcome, provider_code FROM message_attempts") == [("late", "4711")]
    assert len(post.inbox(member)) == 1


def test_a_late_refusal_still_sets_the_credits_right(post: Post) -> None:
    member = post.person("alice")
    post.grant(member, 3)
    post.facts([member.member_id])
    post.relay()
    [late] = lease.begin(leased(post), now=clock.now())
    post.reclaim(AFTER_THE_LEASE)

    refusal = Outcome(message=late, provider_code="43101", error=NoSubscription(provider_code=43101))
    outcome.record([refusal], now=clock.now())

    assert post.credits(member) == 0
    assert reckoned_up(post) == {"unknown": 1}


def test_an_answer_recorded_twice_counts_once(post: Post) -> None:
    post.facts([post.person("alice", credits=1).member_id])
    post.relay()
    [message] = lease.begin(leased(post), now=clock.now())

    outcome.record(sent(message), now=clock.now())
    outcome.record(sent(message), now=clock.now())

    assert post.rows("SELECT outcome FROM message_attempts") == [("sent",)]
    assert reckoned_up(post) == {"sent": 1}
