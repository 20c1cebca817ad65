"""Template messages of the official account: who follows it, which member that is, and what reaches them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock, db, settings
from app.identity import followers
from app.identity.models import WECHAT_MINI
from app.messages.channels.content import wechat_content
from app.messages.may import Asked, may
from app.messages.policy import MessagePolicy
from app.messages.pushed import apply_official
from app.providers.wechat import Push
from app.providers.wechat.errors import STABLE_TOKEN, TEMPLATE_SEND, USER_INFO
from tests.messaging import AES_KEY, CONFIG, TOKEN, Post, assembled, callback, reckoned_up
from tests.shop import Phone

OFFICIAL = CONFIG["official"]
CONTENT = wechat_content("OFFICIAL", "pages/points/index", {"thing1": "积分到账", "amount2": "¥12.00"})
FOLLOWERS = "SELECT member_id, cipher IS NOT NULL FROM official_followers"


@pytest.fixture
def account(post: Post) -> Post:
    """The shop with its official account set up."""
    parts = assembled(
        replace(
            post.parts.settings,
            official_app_id=OFFICIAL["app_id"],
            official_app_secret=OFFICIAL["secret"],
            official_callback_token=TOKEN,
            official_callback_aes_key=AES_KEY,
        )
    )
    post.app.extensions["parts"] = parts
    there = callback(post.url, url=f"{post.url}/callbacks/wechat-official")
    post.wechat.tell("official/callback", "PUT", **there)
    return replace(post, parts=parts)


def follow(post: Post, user: str, *, follows: bool = True) -> str:
    """On their phone; the event has been answered, and the openid of the account comes back."""
    told = post.wechat.tell("official/follow", user=user, follows=follows)
    post.wechat.drain()
    return str(told["openid"])


def learn(post: Post, later: timedelta = timedelta()) -> int:
    client = post.parts.official
    assert client is not None
    return followers.learn(client, vault=post.parts.phones, now=clock.now() + later)


def logged_in(post: Post, user: str) -> Phone:
    """Through the product's own door, so that WeChat says who they are."""
    code = post.wechat.tell("login_code", user=user)["code"]
    body = {"provider": WECHAT_MINI, "code": code, "consent": {"policy_version": "2026-01"}}
    answer = post.app.test_client().post("/api/v1/login", json=body, headers={"Idempotency-Key": code})
    assert answer.status_code == 200, answer.json
    [(member_id,)] = post.rows("SELECT max(id) FROM members")
    with db.transaction() as session:
        session.execute(text("UPDATE facts SET handled_at = created_at WHERE handled_at IS NULL"))
    return Phone(int(member_id), answer.json["token"], post.app.test_client())


def follower(post: Post, user: str = "alice") -> Phone:
    member = logged_in(post, user)
    follow(post, user)
    learn(post)
    return member


def refused(member: Phone) -> str | None:
    asked = Asked(category="service", channel="official_account", at=clock.now())
    with db.transaction() as session:
        return may(session, member.member_id, asked, MessagePolicy()).refused


@pytest.mark.parametrize("first", ["joins", "follows"])
def test_a_follower_is_known_by_unionid_whichever_came_first(account: Post, first: str) -> None:
    if first == "joins":
        member = follower(account)
    else:
        follow(account, "alice")
        learn(account)
        assert account.rows(FOLLOWERS) == [(None, True)]
        member = logged_in(account, "alice")
    assert account.rows(FOLLOWERS) == [(member.member_id, True)]
    assert refused(member) is None

    account.planned(member.member_id, "official_account", CONTENT)
    account.send()

    [message] = account.wechat.received("alice")
    assert (message["account"], message["title"], message["page"]) == (
        "official",
        "到账通知",
        "pages/points/index",
    )
    assert reckoned(account) == {"sent": 1}


def reckoned(post: Post) -> dict[str, int]:
    return {str(state): n for state, n in post.rows("SELECT state, count(*) FROM messages GROUP BY 1")}


def test_who_joined_before_the_apps_were_bound_together_is_known_at_the_next_login(account: Post) -> None:
    member = logged_in(account, "alice")
    with db.transaction() as session:
        session.execute(text("UPDATE member_identities SET union_subject = NULL"))
    follow(account, "alice")
    learn(account)
    assert account.rows(FOLLOWERS) == [(None, True)]

    logged_in(account, "alice")

    assert account.rows(FOLLOWERS) == [(member.member_id, True)]


def test_an_unfollow_is_the_end_of_the_address(account: Post) -> None:
    member = follower(account)
    account.planned(member.member_id, "official_account", CONTENT)

    follow(account, "alice", follows=False)
    assert account.rows("SELECT union_index, cipher, member_id FROM official_followers") == [(None,) * 3]
    assert refused(member) == "no_address"
    account.send()

    assert account.wechat.received("alice") == []
    assert reckoned_up(account) == {"failed": 1}
    assert len(account.inbox(member)) == 1


def test_events_that_come_twice_late_or_out_of_order_change_nothing(account: Post) -> None:
    openid, now = follow(account, "alice"), clock.now()

    def told(event: str | None, at_s: int) -> None:
        push = Push(event, openid, now + timedelta(seconds=at_s), (), f"{event}{at_s}")
        apply_official(
            push, app_id=OFFICIAL["app_id"], vault=account.parts.phones, now=now + timedelta(minutes=5)
        )

    for event, at_s, follows in (
        ("unsubscribe", 60, False),
        ("subscribe", 60, False),  # of the same second, leaving counts
        ("subscribe", 30, False),
        ("TEMPLATESENDJOBFINISH", 90, False),
        ("CLICK", 120, True),  # whoever does that follows
        ("unsubscribe", 100, True),
        ("unsubscribe", 150, False),
        (None, 160, True),  # so does who writes
    ):
        told(event, at_s)
        assert account.rows("SELECT cipher IS NOT NULL FROM official_followers") == [(follows,)], event


def test_of_who_is_known_a_late_unfollow_is_nothing_either(account: Post) -> None:
    """They left, came back and were known all the time: what came back first has the last word."""
    member = logged_in(account, "alice")
    openid = follow(account, "alice")
    assert learn(account) == 1
    now = clock.now()
    for event, at_s in (("subscribe", 20), ("unsubscribe", 10)):
        push = Push(event, openid, now + timedelta(seconds=at_s), (), f"{event}{at_s}")
        later = now + timedelta(minutes=1)
        apply_official(push, app_id=OFFICIAL["app_id"], vault=account.parts.phones, now=later)
    assert account.rows(FOLLOWERS) == [(member.member_id, True)]
    assert learn(account, timedelta(minutes=2)) == 0


def test_the_news_that_nobody_follows_ends_the_address_too(account: Post) -> None:
    member = follower(account)
    account.wechat.tell("official/callback", "PUT")  # the event is lost
    follow(account, "alice", follows=False)
    account.planned(member.member_id, "official_account", CONTENT)

    account.send()

    assert account.rows("SELECT state, reason FROM messages") == [("failed", "not_follower")]
    assert refused(member) == "no_address"
    assert len(account.inbox(member)) == 1


def test_a_message_that_did_not_get_there_after_all_goes_into_the_inbox(account: Post) -> None:
    member = follower(account)
    account.planned(member.member_id, "official_account", CONTENT)
    account.send()
    [message] = account.wechat.received("alice")

    account.wechat.tell("official/lose", user="alice", msgid=message["msgid"])
    account.wechat.drain()

    assert account.rows("SELECT state, reason FROM messages") == [("failed", "not_delivered")]
    assert len(account.inbox(member)) == 1


def test_who_nobody_could_name_is_asked_about_again_when_they_do_something(account: Post) -> None:
    member = logged_in(account, "alice")
    openid = follow(account, "alice")
    account.wechat.tell("faults", match={"path": USER_INFO}, action={"type": "errcode", "errcode": 40003})
    assert learn(account) == 1
    account.wechat.heal()
    assert learn(account) == 0

    pressed = Push("CLICK", openid, clock.now() + timedelta(seconds=2), (), "pressed")
    later = clock.now() + timedelta(seconds=3)
    apply_official(pressed, app_id=OFFICIAL["app_id"], vault=account.parts.phones, now=later)

    assert learn(account, timedelta(seconds=4)) == 1
    assert account.rows(FOLLOWERS) == [(member.member_id, True)]


@pytest.mark.parametrize("errcode", [-1, 48001])
def test_while_wechat_does_not_answer_followers_wait(account: Post, errcode: int) -> None:
    member = logged_in(account, "alice")
    follow(account, "alice")
    fault = {"type": "errcode", "errcode": errcode}
    account.wechat.tell("faults", match={"path": USER_INFO}, action=fault)
    assert learn(account) == 0
    account.wechat.heal()
    assert learn(account) == 0  # it was asked a moment ago

    assert learn(account, timedelta(minutes=6)) == 1
    assert account.rows(FOLLOWERS) == [(member.member_id, True)]


def test_the_account_has_a_token_of_its_own(account: Post) -> None:
    member = follower(account)
    account.wechat.tell("token/revoke")  # the mini-program's
    account.planned(member.member_id, "official_account", CONTENT)
    account.send()
    account.wechat.tell("official/token/revoke")
    account.planned(member.member_id, "official_account", CONTENT)
    account.send()

    assert reckoned(account) == {"sent": 2}
    calls = account.wechat.tell("metrics", "GET")["calls"]
    # Once for learning, and once after its own was withdrawn.
    assert calls[TEMPLATE_SEND] == 3
    assert calls[STABLE_TOKEN] == 2


@pytest.mark.parametrize(("errcode", "state"), [(40037, "failed"), (45009, "pending"), (48001, "pending")])
def test_what_wechat_refuses_is_sorted_as_its_numbers_say(account: Post, errcode: int, state: str) -> None:
    member = follower(account)
    account.planned(member.member_id, "official_account", CONTENT)
    fault = {"type": "errcode", "errcode": errcode}
    account.wechat.tell("faults", match={"path": TEMPLATE_SEND}, action=fault)

    account.send()

    assert reckoned(account) == {state: 1}


def test_no_openid_and_no_unionid_rests_in_the_clear(account: Post) -> None:
    follower(account)
    openid = follow(account, "alice")
    [(unionid,)] = account.rows("SELECT union_subject FROM member_identities")
    kept = str(account.rows("SELECT f::text FROM official_followers f"))
    for secret in (openid, unionid):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_what_the_mini_program_pushes_is_nothing_to_the_account(account: Post) -> None:
    there = callback(account.url, url=f"{account.url}/callbacks/wechat-official", events=["popup"])
    account.wechat.tell("callback", "PUT", **there)
    account.wechat.accept("alice")
    assert 200 not in account.wechat.answers()
    assert account.app.test_client().post("/callbacks/wechat-official", json={}).status_code == 422
    assert account.rows(FOLLOWERS) == []


def test_the_account_is_set_up_whole_or_not_at_all(given_environment: dict[str, str]) -> None:
    with pytest.raises(settings.SettingsError, match="OFFICIAL_APP_ID and OFFICIAL_APP_SECRET"):
        settings.load({**given_environment, "OFFICIAL_APP_ID": "wx1"})
    whole = {
        "OFFICIAL_APP_ID": "wx1",
        "OFFICIAL_APP_SECRET": "b",
        "OFFICIAL_CALLBACK_TOKEN": "c",
        "OFFICIAL_CALLBACK_AES_KEY": "d",
    }
    with pytest.raises(settings.SettingsError, match="this is the mini-program's"):
        settings.load({**given_environment, **whole, "WECHAT_APP_ID": "wx1", "WECHAT_APP_SECRET": "x"})
    with pytest.raises(settings.SettingsError, match="OFFICIAL_CALLBACK_AES_KEY"):
        assembled(settings.load({**given_environment, **whole}))
