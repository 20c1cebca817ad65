"""With a worker running, a receipt needs nothing more than the sale."""

import signal

import pytest

from tests.messaging import Post, reckoned_up, until, worker


def test_receipts_arrive_by_themselves_and_the_worker_stops_when_told(post: Post) -> None:
    agreed, silent = post.person("alice", credits=1), post.person("bob")

    with worker(post) as process:
        post.buy(agreed)
        post.buy(silent)
        until(lambda: post.wechat.received("alice") != [])
        until(lambda: post.inbox(silent) != [])
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)

    assert process.returncode == 0
    assert logged == ""
    assert reckoned_up(post) == {"sent": 2}


@pytest.mark.long
def test_a_worker_survives_a_database_that_cuts_every_connection(post: Post) -> None:
    member = post.person("alice", credits=2)

    with worker(post) as process:
        post.facts([member.member_id])
        until(lambda: len(post.wechat.received("alice")) == 1)
        post.engine.dispose()
        with post.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        post.facts([member.member_id])
        until(lambda: len(post.wechat.received("alice")) == 2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert reckoned_up(post) == {"sent": 2}
