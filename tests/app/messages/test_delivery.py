"""What becomes of a message, for each thing that WeChat may answer."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import clock
from app.messages import lease
from app.messages.deliver import GROUP, LANES
from app.messages.lease import LEASE
from app.messages.outcome import MOST_ATTEMPTS
from app.messages.send import send_by
from tests.messaging import SECRET, Post, reckoned_up, with_settings
from tests.racing import race
from tests.shop import Phone

LONG = timedelta(days=3)


def prepared(post: Post, credits: int = 2) -> Phone:
    """A member with a receipt that is due by WeChat."""
    member = post.person("alice", credits=credits)
    post.buy(member)
    post.relay()
    return member


def attempts(post: Post) -> list[tuple[Any, ...]]:
    return post.rows("SELECT outcome, provider_code FROM message_attempts ORDER BY attempt")


def test_a_member_who_switched_messages_off_unnoticed_gets_the_inbox_and_has_no_credits_left(
    post: Post,
) -> None:
    member = post.person("alice")
    post.grant(member, 3)  # we think so; WeChat says 43101
    post.buy(member)

    post.relay_and_send()

    assert reckoned_up(post) == {"failed": 1}
    assert attempts(post) == [("failed", "43101")]
    assert post.credits(member) == 0
    assert len(post.inbox(member)) == 1
    assert post.messages()[0]["reason"] == "no_subscription"


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (40003, "recipient_invalid"),
        (40037, "template_invalid"),
        (43107, "template_banned"),
        (41030, "page_invalid"),
        (47003, "content_invalid"),
        (45168, "content_sensitive"),
        (99999, "refused"),
    ],
)
def test_a_refusal_is_final_gives_the_credit_back_and_ends_in_the_inbox(
    post: Post, errcode: int, reason: str
) -> None:
    member = prepared(post)
    assert post.credits(member) == 1
    post.wechat.fault("errcode", errcode=errcode)

    post.send()
    post.send(LONG)

    assert post.wechat.calls() == 1
    assert reckoned_up(post) == {"failed": 1}
    assert post.messages()[0]["reason"] == reason
    assert post.credits(member) == 2
    assert len(post.inbox(member)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "errcode", "errcode": -1},
        {"action": "errcode", "errcode": 45009},
        {"action": "errcode", "errcode": 45011},
        {"action": "errcode", "errcode": 43108},
        {"action": "status", "status": 500},
        {"action": "status", "status": 502},
        {"action": "status", "status": 302},
    ],
    ids=str,
)
def test_what_may_be_repeated_is_repeated_later_and_arrives_once(post: Post, fault: dict[str, Any]) -> None:
    member = prepared(post)
    post.wechat.fault(**fault)

    post.send()
    post.send()  # not due yet

    assert post.wechat.calls() == 1
    assert [message["state"] for message in post.messages()] == ["pending"]
    assert attempts(post)[0][0] == "retry"
    post.wechat.heal()
    post.send(timedelta(days=2))

    assert len(post.wechat.received("alice")) == 1
    assert post.inbox(member) == []
    assert post.credits(member) == 1
    assert reckoned_up(post) == {"sent": 1}


def test_pauses_grow_with_each_attempt_and_keep_within_five_minutes(post: Post) -> None:
    prepared(post)
    post.wechat.fault("status", status=503)

    for hour in range(MOST_ATTEMPTS - 1):
        post.send(timedelta(hours=hour))
        [(pause_s,)] = post.rows("""
            SELECT extract(epoch FROM m.due_at - max(a.finished_at)) FROM messages m
            JOIN message_attempts a ON a.message_id = m.id GROUP BY m.id""")
        assert 1 <= pause_s <= min(300, 2 ** (hour + 1))
    assert len(attempts(post)) == MOST_ATTEMPTS - 1


def test_a_platform_that_stays_down_is_given_up_and_the_receipt_is_in_the_inbox(post: Post) -> None:
    member = prepared(post)
    post.wechat.fault("status", status=500)

    for hour in range(MOST_ATTEMPTS + 3):
        post.send(timedelta(hours=hour))

    assert post.wechat.calls() == MOST_ATTEMPTS
    assert post.messages()[0]["reason"] == "gave_up"
    assert post.credits(member) == 2
    assert len(post.inbox(member)) == 1
    assert reckoned_up(post) == {"failed": 1}


def test_a_used_up_quota_waits_for_midnight_in_china(post: Post) -> None:
    prepared(post)
    post.wechat.fault("errcode", errcode=45009)
    post.send()
    [(local,)] = post.rows("SELECT to_char(due_at AT TIME ZONE 'Asia/Shanghai', 'HH24:MI') FROM messages")
    assert local == "00:00"  # not a second before


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop", "moment": "after"},
        {"action": "truncated", "moment": "after"},
        {"action": "html", "moment": "after"},
        {"action": "malformed_json", "moment": "after"},
        {"action": "status", "status": 504, "moment": "after"},
        {"action": "timeout", "moment": "after"},
    ],
    ids=str,
)
def test_an_answer_that_is_lost_is_unknown_is_not_sent_again_and_is_in_the_inbox(
    post: Post, fault: dict[str, Any]
) -> None:
    member = prepared(post)
    post.wechat.fault(**fault)

    post.send()
    post.wechat.heal()
    post.reclaim(LONG)
    post.send(LONG)

    assert post.wechat.calls() == 1
    assert len(post.wechat.received("alice")) == 1
    assert reckoned_up(post) == {"unknown": 1}
    assert len(post.inbox(member)) == 1
    assert post.credits(member) == 1  # it may have been used


def test_a_platform_that_cannot_be_reached_is_asked_again(post: Post) -> None:
    member = prepared(post)
    nowhere = with_settings(post, wechat_api_base="http://127.0.0.1:9")

    nowhere.send()

    assert [message["state"] for message in post.messages()] == ["pending"]
    post.send(LONG)
    assert len(post.wechat.received("alice")) == 1
    assert post.inbox(member) == []


def test_a_wrong_secret_makes_messages_wait_for_an_operator_and_nobody_loses_one(post: Post) -> None:
    member = prepared(post)
    wrong = with_settings(post, wechat_app_secret=SECRET[::-1])

    wrong.send()
    wrong.send(timedelta(minutes=2))

    assert post.wechat.calls() == 0
    [message] = post.messages()
    assert (message["state"], message["reason"]) == ("pending", "misconfigured")
    with_settings(post).send(timedelta(minutes=10))
    assert len(post.wechat.received("alice")) == 1
    assert reckoned_up(post) == {"sent": 1}
    assert post.inbox(member) == []


def test_what_waits_for_an_operator_for_more_than_a_day_is_in_the_inbox(post: Post) -> None:
    member = prepared(post)
    removed = with_settings(post, wechat_app_id=None, wechat_app_secret=None)

    for hour in range(30):
        removed.send(timedelta(hours=hour))

    assert reckoned_up(post) == {"failed": 1}
    assert post.messages()[0]["reason"] == "misconfigured"
    assert len(post.inbox(member)) == 1
    assert post.credits(member) == 2


def test_a_text_that_the_template_does_not_take_ends_in_the_inbox_unsent(post: Post) -> None:
    member = post.person("alice", credits=2)
    post.facts([member.member_id, member.member_id])
    with post.engine.begin() as connection:  # the second is more than the field holds
        connection.exec_driver_sql(
            "UPDATE facts SET payload = payload || '{\"amount_fen\": 99999999999999}'"
            " WHERE id = (SELECT max(id) FROM facts)"
        )

    post.relay_and_send()

    assert post.wechat.calls() == 1
    assert reckoned_up(post) == {"sent": 1, "failed": 1}
    assert len(post.inbox(member)) == 1
    assert post.credits(member) == 1


def test_a_person_without_an_identity_any_more_gets_the_inbox(post: Post) -> None:
    member = prepared(post)
    with post.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM member_identities")

    post.send()

    assert post.wechat.calls() == 0
    assert reckoned_up(post) == {"failed": 1}
    assert len(post.inbox(member)) == 1


def test_messages_of_one_person_go_one_after_another_even_from_three_workers(post: Post) -> None:
    crowd = post.crowd(2, credits=12)
    post.facts(list(crowd), each=12)
    post.relay()
    post.wechat.tell("latency", p50_ms=25, p99_ms=30)

    race(3, lambda _: [post.send() for _ in range(30)])

    assert "43108" not in post.wechat.send_answers()
    assert post.wechat.send_answers() == {"0": 24}
    assert reckoned_up(post) == {"sent": 24}
    for openid in crowd.values():
        numbers = [int(message["values"]["number3"]) for message in post.wechat.received(openid)]
        assert numbers == sorted(numbers)


@pytest.mark.long
def test_without_the_lock_two_workers_write_to_one_person_at_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above: each leases one message at a time, and does not look at others."""
    unguarded = lease._LEASE.text.replace("o.state = 'leased'", "false")
    monkeypatch.setattr(lease, "_LEASE", text(unguarded))
    monkeypatch.setattr(lease, "BATCH", 1)
    [member_id] = post.crowd(1, credits=12)
    post.facts([member_id], each=12)
    post.relay()
    post.wechat.tell("latency", p50_ms=50, p99_ms=60)

    race(3, lambda _: [post.send() for _ in range(4)])

    assert "43108" in post.wechat.send_answers()


def test_three_workers_send_a_hundred_messages_once_each(post: Post) -> None:
    crowd = post.crowd(100, credits=1)
    post.facts(list(crowd))
    post.wechat.tell("latency", p50_ms=5, p99_ms=40)

    def work(_: int) -> None:
        for _ in range(6):
            post.relay()
            post.send()

    race(3, work)
    post.send()

    assert post.wechat.send_answers() == {"0": 100}
    assert reckoned_up(post) == {"sent": 100}
    assert post.wechat.counts() == dict.fromkeys(crowd.values(), 1)


def test_a_stopped_worker_gives_back_what_it_did_not_begin(post: Post) -> None:
    crowd = post.crowd(90, credits=1)
    post.facts(list(crowd))
    post.relay()
    answers = iter([True, True, True])  # the outer loop, then one round of two lanes

    outlet = post.parts.outlets["wechat_subscribe"]
    send_by(outlet, clock=clock.now, keep_going=lambda: next(answers, False))

    states = dict(post.rows("SELECT state, count(*) FROM messages GROUP BY 1"))
    assert states == {"sent": 40, "pending": 50}
    assert post.rows("SELECT max(attempts) FROM messages WHERE state = 'pending'") == [(0,)]
    post.send()
    assert reckoned_up(post) == {"sent": 90}
    assert post.wechat.send_answers() == {"0": 90}


def test_constants_leave_time_to_answer() -> None:
    assert LEASE.total_seconds() > 2 * 7 + 13
    assert GROUP * LANES <= 64
