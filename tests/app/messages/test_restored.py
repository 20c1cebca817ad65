"""After the database was put back to an earlier moment nothing is sent until an operator says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import text

from app import clock
from app.messages import epoch
from app.messages.epoch import Epoch
from app.messages.lease import LEASE
from app.parts import assemble
from tests.messaging import Post, reckoned_up, with_settings
from tests.racing import race

KEPT = ("messages", "message_attempts", "inbox_items", "outbox", "channel_paces")


@contextmanager
def restored_afterwards(post: Post) -> Iterator[None]:
    """What is done inside happens after the backup that is restored at the end. Redis is not part of it."""
    with post.engine.begin() as connection:
        for table in KEPT:
            connection.execute(text(f"CREATE TABLE backup_{table} AS TABLE {table}"))
    yield
    with post.engine.begin() as connection:
        for table in reversed(KEPT):
            connection.execute(text(f"DELETE FROM {table}"))
        for table in KEPT:
            connection.execute(text(f"INSERT INTO {table} SELECT * FROM backup_{table}"))


def command(post: Post, *words: str) -> Result:
    post.app.extensions["parts"] = post.parts
    return post.app.test_cli_runner().invoke(args=["messages", *words])


def sent_and_restored(post: Post, people: int = 3) -> None:
    post.facts(list(post.crowd(people, credits=1)))
    post.relay()
    with restored_afterwards(post):
        post.send()
        assert reckoned_up(post) == {"sent": people}


def test_a_restored_outbox_is_held_and_says_so(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    sent_and_restored(post)

    post.send()
    post.send(timedelta(days=1))

    assert post.wechat.calls() == 3  # before the restore
    assert post.rows("SELECT DISTINCT state, attempts FROM messages") == [("pending", 0)]
    assert "the outbox is held (restored)" in caplog.text
    assert post.app.test_client().get("/readyz").json["checks"]["outbox"] == "held"
    told = command(post, "status").output.splitlines()
    assert told[0].startswith("held since ")
    assert told[0].endswith("UTC (restored)")
    assert told[1:] == ["wechat_subscribe\tpending\t3"]


def test_without_the_number_outside_everything_would_be_sent_twice(post: Post) -> None:
    """The negative control: Redis was lost as well."""
    sent_and_restored(post)
    with_settings(post).send()
    assert post.wechat.calls() == 6


def test_a_restore_in_the_middle_of_sending_is_noticed_by_all_workers(post: Post) -> None:
    sent_and_restored(post)
    race(4, lambda _: post.send())
    assert post.wechat.calls() == 3


def test_what_waits_may_go_into_the_inbox_instead(post: Post) -> None:
    sent_and_restored(post)
    post.send()

    done = command(post, "release", "--to-inbox")

    assert (done.exit_code, done.output) == (0, "3 messages went into the inbox\nreleased\n")
    post.send()
    assert post.wechat.calls() == 3
    assert reckoned_up(post) == {"unknown": 3}
    assert post.rows("SELECT DISTINCT reason FROM messages") == [("restored",)]


def test_an_operator_may_send_it_all_the_same(post: Post) -> None:
    sent_and_restored(post)
    post.send()

    assert command(post, "release").output == "released\n"

    post.send()
    post.facts([post.person("alice", credits=1).member_id])
    post.relay_and_send()
    assert command(post, "status").output == "open\n"
    assert post.app.test_client().get("/readyz").json["checks"]["outbox"] == "ok"
    assert post.wechat.calls() == 7
    assert reckoned_up(post) == {"failed": 3, "sent": 1}  # WeChat takes a credit once: 43101 for those it had


def test_the_inbox_goes_on_while_the_outbox_is_held(post: Post) -> None:
    member = post.person("alice")
    command(post, "hold")
    post.facts([member.member_id])
    post.relay_and_send()
    assert len(post.inbox(member)) == 1


def test_an_operator_holds_and_releases(post: Post) -> None:
    post.facts(list(post.crowd(1, credits=1)))
    post.relay()

    assert command(post, "hold").output == "held\n"
    assert command(post, "hold").output == "it was held already\n"
    post.send()
    assert post.wechat.calls() == 0
    assert command(post, "release").output == "released\n"
    assert command(post, "release").output == "it was not held\n"
    post.send()
    assert post.wechat.calls() == 1
    actions = post.rows("SELECT action FROM audit_log WHERE object_type = 'outbox' ORDER BY id")
    assert actions == [("messages.hold",), ("messages.release",)]


def test_what_a_worker_still_has_in_hand_is_waited_for(post: Post) -> None:
    post.facts(list(post.crowd(1, credits=1)))
    post.relay()
    with post.engine.begin() as connection:
        until = clock.now() + LEASE
        connection.execute(
            text("UPDATE messages SET state = 'leased', leased_until = :until"), {"until": until}
        )
    assert command(post, "release", "--to-inbox").output == "Error: the outbox is not held; hold it first\n"
    command(post, "hold")

    refused = command(post, "release", "--to-inbox")

    assert refused.exit_code == 1
    assert refused.output == "Error: 1 messages are still leased; try again in a minute\n"


def test_a_newer_database_is_no_restore(post: Post) -> None:
    """The number outside may lag: Redis was away, or put back itself."""
    post.facts(list(post.crowd(2, credits=1)))
    post.relay()
    post.send()
    assert post.parts.redis is not None
    post.parts.redis.set(f"outbox:{{{epoch.standing().name}}}:batches", 0)
    post.facts([post.person("alice", credits=1).member_id])
    post.relay_and_send()
    assert reckoned_up(post) == {"sent": 3}


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:9"])
def test_without_redis_messages_are_sent(post: Post, url: str | None) -> None:
    post.facts(list(post.crowd(1, credits=1)))
    post.relay()
    without = replace(post, parts=assemble(replace(post.parts.settings, redis_url=url)))
    without.send()
    assert reckoned_up(post) == {"sent": 1}


def test_the_number_outside_never_goes_back(post: Post) -> None:
    outside = Epoch(post.parts.redis)
    for number in (3, 7, 5):
        outside.tell("x", number)
    assert outside.known("x") == 7
    assert outside.known("y") is None
