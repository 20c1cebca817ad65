"""What members write to customer service in WeChat, and what staff answer there."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import clock, db
from app.errors import VersionConflict
from app.feedback import answer as story
from app.feedback import chat, thread
from app.providers.wechat import Push
from app.providers.wechat.errors import SERVICE_SEND
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.messaging import APP_ID, Post
from tests.racing import race

MESSAGES = "SELECT channel, state, reason FROM messages ORDER BY id"


def say(post: Post, words: str, user: str = "alice") -> None:
    """On the phone; WeChat has brought it."""
    post.wechat.tell("say", user=user, text=words)
    post.wechat.drain()
    assert post.wechat.answers() == [200]


def answer(post: Post, body: str, *, later: timedelta = timedelta()) -> None:
    """By staff in the office, and told by a worker at once."""
    [one] = thread.of_stores(stores=None, state=None, category=None, limit=5, after=None)
    known = post.rows("SELECT id FROM staff WHERE login = 'mei'")
    staff = known[0][0] if known else post.shop.person("mei", Grant("admin", None)).id
    now = clock.now() + later
    story.answer(thread_id=one.id, version=one.version, body=body, close=False, staff_id=staff, now=now)
    post.relay(later)
    post.send(later)


def told(post: Post, user: str = "alice") -> list[str]:
    return [one["values"]["text"] for one in post.wechat.received(user) if one["account"] == "service"]


def writes(post: Post, openid: str, words: str, *, key: str, at_s: int = 0) -> None:
    push = Push(None, openid, clock.now() + timedelta(seconds=at_s), (), key, words)
    chat.hear(push, provider="wechat_mini", app_id=APP_ID, now=clock.now())


def test_what_a_member_writes_is_answered_by_staff_where_it_was_written(post: Post) -> None:
    member = post.person("alice")
    say(post, "你好\u0007，积分没到账？")
    say(post, "在吗")

    [one] = thread.of_stores(stores=None, state="open", category="other", limit=5, after=None)
    assert (one.first, one.messages, one.version) == ("你好，积分没到账？", 2, 2)
    assert one.chat_until is not None

    answer(post, "已补发 50 积分。")

    assert told(post) == ["已补发 50 积分。"]
    assert post.rows(MESSAGES) == [("wechat_service", "sent", None)]
    assert post.inbox(member) == []
    kept = str(post.rows("SELECT params FROM messages"))
    assert not any(words in kept for words in ("补发", "50 积分"))  # they stand in the thread alone
    [mine] = thread.of_member(member_id=member.member_id, limit=5, before=None)
    assert (mine.state, mine.unread) == ("answered", 1)


def test_a_message_that_is_brought_again_is_kept_once(post: Post) -> None:
    post.person("alice")
    say(post, "你好")
    assert set(post.wechat.tell("notify/duplicate", copies=4)["answers"]) <= {200, 409, 503}
    post.wechat.tell("notify/replay")
    assert post.rows("SELECT messages FROM feedback_threads") == [(1,)]


def test_two_first_messages_at_once_are_one_conversation(post: Post) -> None:
    post.person("alice")
    openid = post.wechat.openid("alice")
    race(16, lambda number: writes(post, openid, f"第 {number} 句", key=f"k{number}"))
    assert post.rows("SELECT messages, version FROM feedback_threads") == [(16, 16)]


def test_who_only_opens_the_conversation_has_said_nothing(post: Post) -> None:
    post.person("alice")
    post.wechat.tell("say", user="alice")
    post.wechat.drain()
    assert post.wechat.answers() == [200]
    assert post.rows("SELECT id FROM feedback_threads") == []


@pytest.mark.parametrize("status", ["stranger", "frozen", "withdrawn"])
def test_of_who_is_no_active_member_nothing_is_kept(post: Post, status: str) -> None:
    if status != "stranger":
        member = post.person("alice")
        with db.transaction() as session:
            change = text("UPDATE members SET status = :status WHERE id = :id")
            session.execute(change, {"status": status, "id": member.member_id})
    say(post, "你好")
    assert post.rows("SELECT id FROM feedback_threads") == []


def test_the_sixth_answer_and_one_after_two_days_go_into_the_inbox(post: Post) -> None:
    member = post.person("alice")
    say(post, "你好")
    for number in range(6):
        answer(post, f"第 {number} 次")
    assert told(post) == [f"第 {number} 次" for number in range(5)]
    assert len(post.inbox(member)) == 1

    say(post, "谢谢")  # it begins anew
    answer(post, "不客气")
    assert told(post)[-1] == "不客气"
    answer(post, "还有", later=timedelta(hours=48))
    assert told(post)[-1] == "不客气"
    assert len(post.inbox(member)) == 2


def test_an_answer_that_is_too_long_for_wechat_goes_into_the_inbox(post: Post) -> None:
    member = post.person("alice")
    say(post, "你好")
    answer(post, "长" * 683)
    assert (told(post), len(post.inbox(member))) == ([], 1)


@pytest.mark.parametrize(("errcode", "reason"), [(45015, "window_closed"), (45047, "window_closed")])
def test_what_wechat_does_not_take_any_more_goes_into_the_inbox(
    post: Post, errcode: int, reason: str
) -> None:
    member = post.person("alice")
    say(post, "你好")
    fault: dict[str, Any] = {"type": "errcode", "errcode": errcode}
    post.wechat.tell("faults", match={"path": SERVICE_SEND}, action=fault)
    answer(post, "在的")
    assert post.rows(MESSAGES) == [("wechat_service", "failed", reason)]
    assert len(post.inbox(member)) == 1


def test_what_waited_past_the_window_is_not_sent(post: Post) -> None:
    member = post.person("alice")
    say(post, "你好")
    post.wechat.tell("faults", match={"path": SERVICE_SEND}, action={"type": "errcode", "errcode": -1})
    answer(post, "在的")
    calls = post.wechat.tell("metrics", "GET")["calls"][SERVICE_SEND]

    post.send(timedelta(hours=49))

    assert post.wechat.tell("metrics", "GET")["calls"][SERVICE_SEND] == calls
    assert post.rows(MESSAGES) == [("wechat_service", "failed", "window_closed")]
    assert len(post.inbox(member)) == 1


def test_the_words_go_with_consent_and_who_comes_back_begins_anew(post: Post) -> None:
    member = post.person("alice")
    say(post, "你好")
    withdraw(member_id=member.member_id, now=clock.now())
    assert post.rows("SELECT body FROM feedback_messages") == [(None,)]
    with db.transaction() as session:
        session.execute(text("UPDATE members SET status = 'active'"))
    say(post, "我回来了")
    assert sorted(post.rows("SELECT state FROM feedback_threads")) == [("erased",), ("open",)]


def test_more_than_sixty_a_day_are_not_kept(post: Post) -> None:
    post.person("alice")
    openid = post.wechat.openid("alice")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat, "MESSAGES_A_DAY", 3)
        for number in range(5):
            writes(post, openid, "你好", key=f"k{number}")
    assert post.rows("SELECT messages FROM feedback_threads") == [(3,)]


def test_whoever_answers_past_what_was_just_written_reads_first(post: Post) -> None:
    post.person("alice")
    say(post, "你好")
    [read] = thread.of_stores(stores=None, state=None, category=None, limit=5, after=None)
    say(post, "还有一件事")
    staff = post.shop.person("mei", Grant("admin", None)).id
    with pytest.raises(VersionConflict):
        story.answer(
            thread_id=read.id, version=read.version, body="好", close=False, staff_id=staff, now=clock.now()
        )
