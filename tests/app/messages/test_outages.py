"""How much a provider is asked: at most its rate, hardly at all while it is down, and everything in the end."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import clock, work
from app.db import Busy
from app.messages import lease
from app.messages.channels import Channel, Clock, Send
from app.messages.outlets import Outlet
from app.messages.send import send_by
from app.providers.breaker import Breaker
from tests.messaging import Post, reckoned_up
from tests.racing import race

WECHAT = "wechat_subscribe"
OUTAGE_S = 60


@dataclass
class Timeline:
    """A clock that moves only when it is told to."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def outlet(post: Post, **changed: object) -> Outlet:
    """As another process has it."""
    return replace(post.parts.outlets[WECHAT], breaker=Breaker(), **changed)


def one_a_second(post: Post, seconds: int) -> Timeline:
    """A message that becomes due each second, from now on."""
    post.facts(list(post.crowd(seconds, credits=1)))
    post.relay()
    start = clock.now()
    with post.engine.begin() as connection:
        connection.execute(
            text("""
                UPDATE messages m SET due_at = CAST(:start AS timestamptz) + n.n * interval '1 second'
                FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM messages) n WHERE n.id = m.id"""),
            {"start": start},
        )
    return Timeline(start)


def lived_through(post: Post, time: Timeline, here: Outlet, seconds: int) -> int:
    """So long a worker looks each second; how often WeChat was asked."""
    before = post.wechat.calls()
    for _ in range(seconds):
        send_by(here, clock=time.now, pause=time.move)
        time.move(1)
    return post.wechat.calls() - before


def test_an_outage_of_a_minute_is_asked_less_than_usual_and_everything_arrives_later(post: Post) -> None:
    time, here = one_a_second(post, OUTAGE_S), outlet(post)
    post.wechat.fault("status", status=503)

    calls = lived_through(post, time, here, OUTAGE_S)

    assert 0 < calls <= 1.2 * OUTAGE_S
    assert post.rows("SELECT count(*) FROM message_attempts") == [(calls,)]  # what waited used up no attempt
    assert post.rows("SELECT DISTINCT state FROM messages") == [("pending",)]
    post.wechat.heal()
    lived_through(post, time, here, 90)
    lived_through(post, Timeline(time.at + timedelta(minutes=6)), here, 1)
    assert reckoned_up(post) == {"sent": OUTAGE_S}
    assert post.wechat.send_answers()["0"] == OUTAGE_S


@pytest.mark.long
def test_without_the_breaker_an_outage_is_asked_far_more_than_usual(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(Breaker, "room", lambda _, wanted, *, now: wanted)
    time, here = one_a_second(post, OUTAGE_S), outlet(post)
    post.wechat.fault("status", status=503)

    assert lived_through(post, time, here, OUTAGE_S) > 1.2 * OUTAGE_S


def test_a_provider_that_hangs_up_makes_only_those_unknown_that_were_asked(post: Post) -> None:
    time, here = one_a_second(post, OUTAGE_S), outlet(post)
    post.wechat.fault("drop")

    calls = lived_through(post, time, here, OUTAGE_S)

    states = dict(post.rows("SELECT state, count(*) FROM messages GROUP BY 1"))
    assert calls <= 20
    assert states == {"unknown": calls, "pending": OUTAGE_S - calls}


def test_a_backlog_drains_at_the_cap(post: Post) -> None:
    post.facts(list(post.crowd(60, credits=1)))
    post.relay()
    time, start = Timeline(clock.now()), clock.now()
    time.at = start

    send_by(outlet(post, per_second=20), clock=time.now, pause=time.move)

    assert reckoned_up(post) == {"sent": 60}
    # Five at once and five each quarter of a second, which is 2.75 s; then one look to see that nothing is left.
    assert (time.at - start).total_seconds() == 3.0


@dataclass
class Counted:
    """A channel, and how often its connections were opened."""

    channel: Channel
    opened_times: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.channel, name)

    def opened(self, clock: Clock) -> AbstractAsyncContextManager[Send]:
        self.opened_times += 1
        return self.channel.opened(clock)


def test_a_backlog_goes_over_connections_that_stay_open(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.facts(list(post.crowd(50, credits=1)))
    post.relay()
    monkeypatch.setattr(lease, "BATCH", 20)
    counted = Counted(outlet(post, per_second=10_000).channel)

    taken = send_by(replace(outlet(post, per_second=10_000), channel=counted), clock=clock.now)  # type: ignore[arg-type]

    assert (taken, counted.opened_times) == (50, 1)
    assert reckoned_up(post) == {"sent": 50}


def test_when_no_more_can_be_leased_what_is_on_its_way_is_written_down(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.facts(list(post.crowd(50, credits=1)))
    post.relay()
    monkeypatch.setattr(lease, "BATCH", 20)
    real, times = lease.lease, iter([True])

    def once(**asked: Any) -> lease.Batch:
        if not next(times, False):
            raise Busy
        return real(**asked)

    monkeypatch.setattr(lease, "lease", once)
    with pytest.raises(Busy):
        send_by(outlet(post, per_second=10_000), clock=clock.now)

    states = dict(post.rows("SELECT state, count(*) FROM messages GROUP BY 1"))
    assert states == {"sent": 20, "pending": 30}


def test_many_workers_share_one_cap(post: Post) -> None:
    post.facts(list(post.crowd(60, credits=1)))
    post.relay()
    now = clock.now()

    def leased(_: int) -> int:
        batch = lease.lease(channel=WECHAT, app_id="wx", now=now, per_second=40)
        return len(batch.messages)

    assert sum(race(8, leased)) == 10
    assert post.rows("SELECT count(*) FROM messages WHERE state = 'leased'") == [(10,)]


def test_a_slow_rate_is_kept_as_well(post: Post) -> None:
    post.facts(list(post.crowd(3, credits=1)))
    post.relay()
    time = Timeline(clock.now())
    start = time.at

    send_by(outlet(post, per_second=1), clock=time.now, pause=time.move)

    assert (time.at - start).total_seconds() == 2.25


def test_a_clock_that_stands_still_ends_a_run(post: Post) -> None:
    post.facts(list(post.crowd(3, credits=1)))
    post.relay()
    now = clock.now()

    assert send_by(outlet(post, per_second=1), clock=lambda: now, pause=lambda _: None) == 1


def test_a_clock_that_was_set_back_stops_nobody(post: Post) -> None:
    post.facts(list(post.crowd(2, credits=1)))
    post.relay()

    for at in (clock.now() + timedelta(days=1), clock.now()):
        assert len(lease.lease(channel=WECHAT, app_id="wx", now=at, per_second=1).messages) == 1


def test_each_provider_has_a_beat_of_its_own(post: Post) -> None:
    names = [beat.name for beat in work.beats(post.parts, clock.now, lambda: True)]
    assert {name for name in names if name.startswith("messages.")} == {
        *(
            f"messages.{channel}"
            for channel in (WECHAT, "official_account", "wechat_service", "sms", "email", "inbox")
        ),
        "messages.reclaim",
    }


def test_what_is_on_its_way_by_one_channel_does_not_hold_up_another(post: Post) -> None:
    member = post.person("alice", credits=1)
    post.planned(member.member_id, "sms", {"sms": {"template": "1", "values": []}})
    post.facts([member.member_id])
    post.relay()
    held = lease.lease(channel="sms", app_id=None, now=clock.now())
    assert len(held.messages) == 1

    post.send()

    assert len(post.wechat.received("alice")) == 1
    lease.give_back(held.messages)


def test_a_channel_that_is_not_set_up_waits_for_an_operator(post: Post) -> None:
    member = post.person("alice")
    post.planned(member.member_id, "sms", {"sms": {"template": "1", "values": []}})

    post.send()

    assert [(one["state"], one["reason"]) for one in post.messages()] == [("pending", "misconfigured")]
