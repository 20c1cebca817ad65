"""What WeChat tells us of a member's consent, over HTTP: counted once, and only when WeChat said it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import text

from app import clock
from app.db import Busy
from app.messages.lease import begin, lease
from app.messages.outcome import Outcome, record
from app.messages.pushed import apply_push
from app.providers.wechat.push import Push, SubscribeResult
from tests.messaging import APP_ID, OTHER, RECEIPT, Post, callback, reckoned_up
from tests.racing import race
from tests.shop import Phone

SECOND = timedelta(seconds=1)


def push_of(post: Post) -> dict[str, Any]:
    """The last push as WeChat's stand-in tells of it."""
    return dict(post.wechat.tell("notifications", "GET")["notifications"][-1])


def event(post: Post, user: str, name: str, outcome: str, *, template_id: str = RECEIPT) -> Push:
    """An event that was opened already, as the face hands it over."""
    return Push(
        event=name,
        openid=post.wechat.openid(user),
        created_at=clock.now(),
        results=(SubscribeResult(template_id, outcome),),
        dedupe_key=f"{name}-{outcome}-{template_id}"[:64],
    )


def apply(push: Push) -> None:
    apply_push(push, provider="wechat_mini", app_id=APP_ID, now=clock.now())


@pytest.mark.parametrize("form", ["xml", "bare", "wrapped", "flat"])
def test_an_accept_adds_one_credit_whatever_the_shape_of_the_event(post: Post, form: str) -> None:
    member = post.person("alice")
    shape = {"format": "xml"} if form == "xml" else {"format": "json", "json_shape": form}
    post.wechat.tell("callback", "PUT", **callback(post.url, **shape))

    post.wechat.accept("alice")

    assert post.wechat.answers() == [200]
    assert post.credits(member) == 1


@pytest.mark.parametrize("form", ["xml", "bare", "wrapped", "flat"])
def test_switching_messages_off_takes_all_credits(post: Post, form: str) -> None:
    member = post.person("alice")
    post.grant(member, 5)
    shape = {"format": "xml"} if form == "xml" else {"format": "json", "json_shape": form}
    post.wechat.tell("callback", "PUT", **callback(post.url, **shape))

    post.wechat.tell("settings_reject", user="alice", template_ids=[RECEIPT])
    post.wechat.drain()

    assert post.wechat.answers() == [200]
    assert post.credits(member) == 0


def test_a_refusal_in_the_popup_changes_nothing(post: Post) -> None:
    member = post.person("alice")
    post.grant(member, 2)
    post.wechat.accept("alice", "reject")
    assert post.wechat.answers() == [200]
    assert post.credits(member) == 2


def test_an_event_delivered_three_times_counts_once_and_is_answered_each_time(post: Post) -> None:
    member = post.person("alice")
    post.wechat.accept("alice")

    assert post.wechat.tell("notify/replay")["answers"] == [200]
    assert post.wechat.tell("notify/duplicate", copies=2)["answers"] == [200, 200]

    assert post.credits(member) == 1


def test_an_event_delivered_sixteen_times_at_once_counts_once(post: Post) -> None:
    member = post.person("alice")
    post.wechat.accept("alice")
    with post.engine.begin() as connection:  # as if none had been delivered before
        connection.exec_driver_sql("ALTER TABLE subscription_changes DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM subscription_changes")
        connection.exec_driver_sql("ALTER TABLE subscription_changes ENABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM subscription_credits")

    assert post.wechat.tell("notify/duplicate", copies=16)["answers"] == [200] * 16

    assert post.credits(member) == 1


def _counted_in_sixteen_threads(post: Post) -> int:
    member = post.person("alice")
    push = event(post, "alice", "subscribe_msg_popup_event", "accept")

    def deliver(_: int) -> None:
        apply(push)

    race(16, deliver)
    return post.credits(member)


def test_sixteen_threads_with_one_event_count_it_once(post: Post) -> None:
    assert _counted_in_sixteen_threads(post) == 1


def test_without_looking_at_the_source_sixteen_threads_count_it_often(
    unaudited_post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr("app.messages.consent._note", lambda *_: True)
    assert _counted_in_sixteen_threads(unaudited_post) == 16


def test_an_old_switching_off_does_not_take_what_was_granted_since(post: Post) -> None:
    member = post.person("alice")
    post.wechat.tell("settings_reject", user="alice", template_ids=[RECEIPT])
    post.wechat.drain()
    off = push_of(post)["id"]

    post.wechat.accept("alice")
    post.wechat.tell("notify/replay", id=off)

    assert post.credits(member) == 1


def test_credits_are_counted_by_template(post: Post) -> None:
    member = post.person("alice")
    post.grant(member, 2)
    apply(event(post, "alice", "subscribe_msg_change_event", "reject", template_id="another"))
    assert post.credits(member) == 2


def test_a_stranger_is_answered_and_has_no_effect(post: Post) -> None:
    post.wechat.accept("somebody-who-never-joined")
    assert post.wechat.answers() == [200]
    assert post.rows("SELECT * FROM subscription_changes") == []


def test_the_news_that_a_message_was_sent_is_answered(post: Post) -> None:
    post.wechat.tell("callback", "PUT", **callback(post.url, events=["sent"]))
    member = post.person("alice")
    post.grant(member, 1)
    post.wechat.tell("subscribe", user="alice", results={RECEIPT: "accept"})
    post.facts([member.member_id])
    post.relay_and_send()
    post.wechat.drain()

    assert push_of(post)["event"] == "subscribe_msg_sent_event"
    assert post.wechat.answers() == [200]


@pytest.mark.parametrize("form", ["xml", "bare", "wrapped", "flat"])
def test_several_templates_in_one_event_are_counted_each_for_itself(post: Post, form: str) -> None:
    member = post.person("alice")
    post.grant(member, 5)
    shape = {"format": "xml"} if form == "xml" else {"format": "json", "json_shape": form}
    post.wechat.tell("callback", "PUT", **callback(post.url, **shape))

    post.wechat.tell("subscribe", user="alice", results={RECEIPT: "accept", OTHER: "reject"})
    post.wechat.drain()
    assert post.rows("SELECT template_id, credits FROM subscription_credits") == [(RECEIPT, 6)]
    assert _answers(post) == [(RECEIPT, True), (OTHER, False)]

    post.wechat.tell("settings_reject", user="alice", template_ids=[OTHER, RECEIPT])
    post.wechat.drain()
    assert post.rows("SELECT credits FROM subscription_credits WHERE credits > 0") == []
    assert _answers(post) == [(RECEIPT, False), (OTHER, False)]


def _answers(post: Post) -> list[tuple[Any, ...]]:
    return post.rows(
        "SELECT template_id, accepted FROM subscription_answers ORDER BY template_id = :other", other=OTHER
    )


def test_an_old_refusal_does_not_hide_what_was_accepted_since(post: Post) -> None:
    member = post.person("alice")
    off = event(post, "alice", "subscribe_msg_popup_event", "reject")
    apply(
        replace(
            event(post, "alice", "subscribe_msg_popup_event", "accept"), created_at=off.created_at + SECOND
        )
    )
    apply(off)
    assert post.credits(member) == 1
    assert _answers(post) == [(RECEIPT, True)]


# A message that was sent and not delivered


def _sent(post: Post, form: str = "xml") -> tuple[Phone, str]:
    """Alice, and the id of a receipt on her phone; news of what was sent comes in that form."""
    shape = {"format": "xml"} if form == "xml" else {"format": "json", "json_shape": form}
    post.wechat.tell("callback", "PUT", **callback(post.url, events=["popup", "change", "sent"], **shape))
    alice = post.person("alice", credits=2)
    post.facts([alice.member_id])
    post.relay_and_send()
    post.wechat.drain()
    [message] = post.messages()
    assert message["state"] == "sent"
    return alice, str(post.wechat.received("alice")[0]["msgid"])


@pytest.mark.parametrize("form", ["xml", "bare", "wrapped", "flat"])
def test_what_wechat_took_and_did_not_deliver_goes_into_the_inbox(post: Post, form: str) -> None:
    alice, msgid = _sent(post, form)
    assert post.inbox(alice) == []

    post.wechat.tell("lose", user="alice", msgid=msgid)
    post.wechat.drain()

    assert post.wechat.answers() == [200]
    [message] = post.messages()
    assert (message["state"], message["reason"]) == ("failed", "not_delivered")
    assert [item["kind"] for item in post.inbox(alice)] == ["receipt"]
    # WeChat took the message, and the credit with it.
    assert post.credits(alice) == 1
    assert reckoned_up(post) == {"failed": 1}


def test_the_news_of_it_has_one_effect_however_often_it_comes(post: Post) -> None:
    alice, msgid = _sent(post)
    post.wechat.tell("lose", user="alice", msgid=msgid)
    post.wechat.drain()
    [item] = post.inbox(alice)
    assert alice.post(f"/me/messages/{item['id']}/read").status_code == 204

    assert post.wechat.tell("notify/replay")["answers"] == [200]
    assert post.wechat.tell("notify/duplicate", copies=8)["answers"] == [200] * 8

    assert [one["read"] for one in post.inbox(alice)] == [True]
    assert post.credits(alice) == 1


@pytest.mark.parametrize("what", ["body", "signature", "timestamp", "app_id"])
def test_falsified_news_of_it_has_no_effect(post: Post, what: str) -> None:
    alice, msgid = _sent(post)
    post.wechat.tell("callback", "PUT", **callback(post.url, events=["sent"], token="another-token"))
    post.wechat.tell("lose", user="alice", msgid=msgid)
    post.wechat.drain()
    post.wechat.tell("callback", "PUT", **callback(post.url, events=["sent"]))

    assert post.wechat.tell("notify/tamper", what=what)["answers"] == [422]

    assert (post.messages()[0]["state"], post.inbox(alice)) == ("sent", [])


def _failed(post: Post, user: str, msgid: str, **changed: Any) -> Push:
    result = SubscribeResult(RECEIPT, "system error", msgid=msgid, error_code=1)
    return replace(event(post, user, "subscribe_msg_sent_event", "-"), results=(replace(result, **changed),))


def test_news_of_another_persons_message_or_of_one_that_arrived_changes_nothing(post: Post) -> None:
    _, msgid = _sent(post)
    post.person("bob")
    apply(_failed(post, "bob", msgid))
    apply(_failed(post, "alice", msgid + "1"))
    apply(_failed(post, "alice", msgid, template_id="another"))
    apply(_failed(post, "alice", msgid, error_code=0))
    apply(_failed(post, "alice", msgid, error_code=None))
    assert post.messages()[0]["state"] == "sent"


def test_news_that_comes_before_our_own_note_of_the_sending_is_asked_for_again(post: Post) -> None:
    alice = post.person("alice", credits=1)
    post.facts([alice.member_id])
    post.relay()
    now = clock.now()
    begun = begin(lease(channel="wechat_subscribe", app_id=APP_ID, now=now).messages, now=now)
    with pytest.raises(Busy):
        apply(_failed(post, "alice", "77"))
    record([Outcome(message=begun[0], provider_code="77", error=None)], now=now)

    apply(_failed(post, "alice", "77"))

    assert post.messages()[0]["reason"] == "not_delivered"


@pytest.mark.parametrize("what", ["body", "signature", "timestamp", "app_id"])
def test_a_falsified_push_is_refused_and_has_no_effect(post: Post, what: str) -> None:
    member = post.person("alice")
    post.wechat.accept("alice")
    post.wechat.tell("settings_reject", user="alice", template_ids=[RECEIPT])
    post.wechat.drain()
    post.grant(member, 7)

    assert post.wechat.tell("notify/tamper", what=what)["answers"] == [422]

    assert post.credits(member) == 7


def test_a_push_whose_time_is_ten_minutes_off_is_refused(post: Post) -> None:
    member = post.person("alice")
    post.wechat.tell("clock/advance", seconds=600)
    post.wechat.accept("alice")
    assert post.wechat.answers() == [422, 422, 422]
    assert post.credits(member) == 0


@pytest.mark.parametrize("changed", [{"token": "another-token"}, {"aes_key": "Z" * 43}])
def test_a_push_under_another_key_is_refused(post: Post, changed: dict[str, str]) -> None:
    member = post.person("alice")
    post.wechat.tell("callback", "PUT", **callback(post.url, **changed))
    post.wechat.accept("alice")
    assert post.wechat.answers() == [422, 422, 422]
    assert post.credits(member) == 0


_NOT_PUSHES: list[tuple[dict[str, str], bytes]] = [
    ({}, b"{}"),
    ({"signature": "0" * 40, "timestamp": "1", "nonce": "1"}, b"<xml><Event>x</Event></xml>"),
    ({"encrypt_type": "aes", "msg_signature": "0" * 40, "timestamp": "NOW", "nonce": "1"}, b"\x00\xff"),
    ({"encrypt_type": "raw", "signature": "0" * 40, "timestamp": "NOW", "nonce": "1"}, b"{}"),
    (
        {"encrypt_type": "aes", "msg_signature": "é", "timestamp": "NOW", "nonce": "1"},
        b'{"Encrypt":"AAAA"}',
    ),
    (
        {"encrypt_type": "aes", "msg_signature": "0", "timestamp": "NOW", "nonce": "1"},
        b'<!DOCTYPE a [<!ENTITY b "c">]><xml><Encrypt>&b;</Encrypt></xml>',
    ),
    ({"encrypt_type": "aes", "msg_signature": "0", "timestamp": "9" * 4000, "nonce": "1"}, b"[]"),
]


def test_anything_else_is_refused_as_a_problem(post: Post) -> None:
    member = post.person("alice")
    stamp = str(int(clock.now().timestamp()))
    for query, body in _NOT_PUSHES:
        sent = {name: stamp if value == "NOW" else value for name, value in query.items()}
        answer = post.app.test_client().post("/callbacks/wechat", query_string=sent, data=body)

        assert answer.status_code == 422
        assert answer.content_type == "application/problem+json"
        assert json.loads(answer.data)["code"] == "push_rejected"
    assert post.credits(member) == 0


def test_a_body_beyond_the_limit_is_not_read(post: Post) -> None:
    with requests.Session() as http:
        http.trust_env = False
        answer = http.post(f"{post.url}/callbacks/wechat", data=b"<" * (64 * 1024 + 1), timeout=60)
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_wechat_may_check_the_address(post: Post) -> None:
    assert post.wechat.tell("notify/verify")["echoed"] is True


def test_nobody_else_gets_an_echo(post: Post) -> None:
    query = {"signature": "0" * 40, "timestamp": "1714036504", "nonce": "1", "echostr": "<script>"}
    answer = post.app.test_client().get("/callbacks/wechat", query_string=query)
    assert answer.status_code == 422
    assert b"<script>" not in answer.data


def test_without_a_callback_set_up_there_is_no_such_address(app: Any) -> None:
    for method in ("get", "post"):
        assert getattr(app.test_client(), method)("/callbacks/wechat").status_code == 404


def test_a_template_id_the_database_would_not_take_is_passed_over(post: Post) -> None:
    member = post.person("alice")
    for template_id in ("x" * 65, "a\0b", "模" * 64):
        apply(event(post, "alice", "subscribe_msg_popup_event", "accept", template_id=template_id))
    assert post.credits(member) == 0


def test_the_log_of_changes_cannot_be_changed(post: Post) -> None:
    post.person("alice", credits=1)
    for statement in ("UPDATE subscription_changes SET change = 9", "DELETE FROM subscription_changes"):
        with pytest.raises(Exception, match="append"), post.engine.begin() as connection:
            connection.execute(text(statement))


def test_planning_and_accepting_at_once_leave_the_right_count(post: Post) -> None:
    """Sixteen sales take credits while sixteen accepts add them: the sum of the changes is what is left."""
    member = post.person("alice")
    post.grant(member, 16)
    post.facts([member.member_id], each=16)

    def act(number: int) -> None:
        if number % 2:
            post.relay(timedelta(seconds=number))
        else:
            push = event(post, "alice", "subscribe_msg_popup_event", "accept")
            apply(
                Push(
                    event=push.event,
                    openid=push.openid,
                    created_at=push.created_at,
                    results=push.results,
                    dedupe_key=f"event-{number}",
                )
            )

    race(32, act)
    post.relay()

    assert post.credits(member) == 16
    assert post.rows("SELECT sum(change) FROM subscription_changes") == [(16,)]
