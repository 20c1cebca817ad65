"""Messages by SMS, and the word that ends them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

import wsgi
from app import db, settings
from app.members.models import Member
from app.messages.channels.content import sms_content
from tests.messaging import Post, assembled, reckoned_up
from tests.shop import Phone
from tests.sms_peer import APP_ID, SECRET_ID, SECRET_KEY, SIGNATURE, SmsPeer

NUMBER = "+8613800138000"
TOKEN = "the-secret-address-of-the-tests"


@pytest.fixture
def peer() -> Iterator[SmsPeer]:
    with SmsPeer().serving() as peer:
        yield peer


@pytest.fixture
def sms(post: Post, peer: SmsPeer) -> Post:
    """The shop with SMS set up."""
    changed = replace(
        post.parts.settings,
        sms_secret_id=SECRET_ID,
        sms_secret_key=SECRET_KEY,
        sms_app_id=APP_ID,
        sms_signature=SIGNATURE,
        sms_api_base=peer.url,
        sms_callback_token=TOKEN,
    )
    parts = assembled(changed)
    post.app.extensions["parts"] = parts
    return replace(post, parts=parts)


def with_number(post: Post, user: str = "alice", number: str = NUMBER) -> Phone:
    phone = post.person(user)
    with db.transaction() as session:
        member = session.get_one(Member, phone.member_id)
        member.phone_cipher = post.parts.phones.seal(number, member.public_id)
        member.phone_index = post.parts.phones.index(number)
    return phone


def test_a_message_goes_to_the_verified_number(sms: Post, peer: SmsPeer) -> None:
    member = with_number(sms)
    message_id = sms.planned(member.member_id, "sms", sms_content("449739", ["陈", "3"]))

    sms.send()

    assert [(one["PhoneNumberSet"], one["SessionContext"]) for one in peer.received] == [
        ([NUMBER], message_id)
    ]
    assert sms.rows("SELECT outcome, provider_code FROM message_attempts") == [("sent", "2645:1")]
    assert [one["state"] for one in sms.messages()] == ["sent"]
    assert sms.rows("SELECT params::text FROM messages")[0][0].find("1380013") == -1


def test_a_member_without_a_number_gets_the_inbox(sms: Post, peer: SmsPeer) -> None:
    member = sms.person("alice")
    sms.planned(member.member_id, "sms", sms_content("449739", []))

    sms.send()

    assert peer.calls == 0
    assert reckoned_up(sms) == {"failed": 1}
    assert len(sms.inbox(member)) == 1


def test_an_answer_that_is_lost_is_not_sent_again(sms: Post, peer: SmsPeer) -> None:
    member = with_number(sms)
    sms.planned(member.member_id, "sms", sms_content("449739", []))
    peer.answers = ["InternalError.Timeout"]

    sms.send()
    sms.send()

    assert peer.calls == 1
    assert reckoned_up(sms) == {"unknown": 1}
    assert len(sms.inbox(member)) == 1


def test_a_crowd_gets_one_each(sms: Post, peer: SmsPeer) -> None:
    for number in range(30):
        member = with_number(sms, f"p{number}", f"+86138001380{number:02}")
        sms.planned(member.member_id, "sms", sms_content("449739", []))

    sms.send()

    assert len({one["PhoneNumberSet"][0] for one in peer.received}) == len(peer.received) == 30


def report(post: Post, text: str, *, token: str = TOKEN, number: str = "13800138000") -> Any:
    body = {"extend": "", "mobile": number, "nationcode": "86", "sign": SIGNATURE, "text": text, "time": 1}
    return post.app.test_client().post(f"/callbacks/sms/{token}", data=json.dumps(body))


def opted_out(post: Post, phone: Phone) -> bool:
    found = post.rows("SELECT channel FROM marketing_opt_outs WHERE member_id = :id", id=phone.member_id)
    return bool(found)


@pytest.mark.parametrize("text", ["TD", "td", " ＴＤ。", "退订", "R", "拒收"])
def test_who_answers_with_the_word_gets_no_more_advertising(sms: Post, text: str) -> None:
    member, other = with_number(sms), with_number(sms, "bob", "+8613900139000")

    for _ in range(2):  # it may be reported twice
        answer = report(sms, text)
        assert (answer.status_code, answer.json) == (200, {"result": 0, "errmsg": "OK"})

    assert (opted_out(sms, member), opted_out(sms, other)) == (True, False)
    found = sms.rows("SELECT channel, opted_out, source FROM marketing_choices")
    assert found == [("sms", True, "sms_keyword")]


@pytest.mark.parametrize("text", ["谢谢", "TDX", "", "退订会员卡吗"])
def test_other_answers_change_nothing(sms: Post, text: str) -> None:
    member = with_number(sms)
    assert report(sms, text).status_code == 200
    assert not opted_out(sms, member)


def test_a_stranger_who_answers_is_nobody(sms: Post) -> None:
    assert report(sms, "TD", number="13700137000").status_code == 200


def test_who_does_not_know_the_address_finds_nothing(sms: Post) -> None:
    member = with_number(sms)
    assert report(sms, "TD", token="x" * 31).status_code == 404
    assert not opted_out(sms, member)


def test_without_a_token_there_is_no_such_address(post: Post) -> None:
    assert report(post, "TD").status_code == 404


def test_sms_are_set_up_whole_or_not_at_all(given_environment: dict[str, str]) -> None:
    with pytest.raises(settings.SettingsError, match="SMS_SECRET_ID and SMS_SECRET_KEY and SMS_APP_ID"):
        settings.load({**given_environment, "SMS_APP_ID": "1"})
    short = {**given_environment, "SMS_CALLBACK_TOKEN": "short"}
    with pytest.raises(settings.SettingsError, match="SMS_CALLBACK_TOKEN"):
        settings.load(short)


def test_the_product_starts_with_sms(given_environment: dict[str, str]) -> None:
    whole = {"SMS_SECRET_ID": "a", "SMS_SECRET_KEY": "b", "SMS_APP_ID": "1", "SMS_SIGNATURE": "山茶"}
    app = wsgi.create_app(settings.load({**given_environment, **whole}))
    assert isinstance(app, Flask)
