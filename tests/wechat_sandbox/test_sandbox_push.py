"""Pushed events as the app receives them: decrypted by wechatpy, in every format, with retries and falsifications."""

import json
import warnings
from typing import Any

import pytest
import xmltodict

RECEIPT, PERKS = "receipt-template", "perks-template"
FORMS = [("json", "bare"), ("json", "wrapped"), ("json", "flat"), ("xml", "bare")]


def opened(push: Any) -> dict[str, Any]:
    """What a push says, after wechatpy has checked its signature and decrypted it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wechatpy.crypto import WeChatCrypto
    crypto = WeChatCrypto("push-token", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wxba5fad812f8e6fb9")
    as_xml = push.content_type == "text/xml"
    body = push.body if as_xml else json.loads(push.body)
    text = crypto.decrypt_message(
        body, push.query["msg_signature"], push.query["timestamp"], push.query["nonce"]
    )
    return xmltodict.parse(text)["xml"] if as_xml else json.loads(text)


def listen(sandbox: Any, receiver: Any, **changed: Any) -> None:
    assert sandbox.ask("PUT", "/_sim/callback", json=receiver.settings(**changed)).status_code == 200


def drain(sandbox: Any) -> None:
    assert sandbox.post("/_sim/notify/drain")["drained"]


@pytest.mark.parametrize(("form", "shape"), FORMS)
def test_what_the_person_chose_in_the_popup_is_pushed(
    sandbox: Any, receiver: Any, form: str, shape: str
) -> None:
    listen(sandbox, receiver, format=form, json_shape=shape)
    openid = sandbox.openid("alice")
    sandbox.post("/_sim/subscribe", user="alice", results={RECEIPT: "accept", PERKS: "reject"})
    drain(sandbox)
    (push,) = receiver.pushes
    assert push.query["openid"] == openid
    assert push.query["encrypt_type"] == "aes"
    event = opened(push)
    assert event["MsgType"] == "event"
    assert event["Event"] == "subscribe_msg_popup_event"
    assert event["FromUserName"] == openid
    assert str(event["CreateTime"]) == push.query["timestamp"]
    items = event["List"] if shape == "flat" else event["SubscribeMsgPopupEvent"]
    items = items if shape != "wrapped" and form == "json" else items["List"]
    assert [(one["TemplateId"], one["SubscribeStatusString"]) for one in items] == [
        (RECEIPT, "accept"),
        (PERKS, "reject"),
    ]


@pytest.mark.parametrize(("form", "shape"), FORMS)
def test_one_item_alone_is_an_object_or_an_array_as_the_form_has_it(
    sandbox: Any, receiver: Any, form: str, shape: str
) -> None:
    listen(sandbox, receiver, format=form, json_shape=shape)
    sandbox.accept("alice")
    sandbox.send(sandbox.openid("alice"))
    sandbox.post("/_sim/settings_reject", user="alice", template_ids=[RECEIPT])
    drain(sandbox)
    events = {one["Event"]: one for one in map(opened, receiver.pushes)}
    assert events.keys() == {f"subscribe_msg_{kind}_event" for kind in ("popup", "change", "sent")}
    change, sent = events["subscribe_msg_change_event"], events["subscribe_msg_sent_event"]
    refused = {"TemplateId": RECEIPT, "SubscribeStatusString": "reject"}
    if shape == "flat":
        assert change["List"] == refused
        assert sent["List"]["ErrorStatus"] == "success"
    else:
        bare = form == "json" and shape == "bare"
        assert change["SubscribeMsgChangeEvent"] == ([refused] if bare else {"List": refused})
        assert sent["SubscribeMsgSentEvent"]["List"]["ErrorStatus"] == "success"


def test_the_sent_event_names_the_message_that_the_send_answered(sandbox: Any, receiver: Any) -> None:
    listen(sandbox, receiver, events=["sent"])
    sandbox.accept("alice")
    msgid = sandbox.send(sandbox.openid("alice"))["msgid"]
    drain(sandbox)
    (push,) = receiver.pushes
    assert opened(push)["SubscribeMsgSentEvent"]["List"]["MsgID"] == str(msgid)


def test_a_push_is_tried_three_times_and_then_given_up(sandbox: Any, receiver: Any) -> None:
    receiver.answers = [(500, "")]
    listen(sandbox, receiver)
    sandbox.accept("alice")
    drain(sandbox)
    assert len(receiver.pushes) == 3
    (notification,) = sandbox.get("/_sim/notifications")["notifications"]
    assert (notification["state"], notification["answers"]) == ("given_up", [500, 500, 500])


def test_a_push_that_fails_once_arrives_at_the_second_try(sandbox: Any, receiver: Any) -> None:
    receiver.answers = [(0, ""), (200, "what?"), (200, "")]
    listen(sandbox, receiver)
    sandbox.accept("alice")
    drain(sandbox)
    (notification,) = sandbox.get("/_sim/notifications")["notifications"]
    assert (notification["state"], notification["answers"]) == ("delivered", ["refused", "answer", 200])
    assert len({one.body for one in receiver.pushes}) == 1


def test_an_app_that_is_down_or_slow_does_not_stop_the_sandbox(sandbox: Any, receiver: Any) -> None:
    listen(sandbox, receiver, url="http://127.0.0.1:9/", timeout_s=0.2)
    sandbox.accept("alice")
    drain(sandbox)
    (notification,) = sandbox.get("/_sim/notifications")["notifications"]
    assert notification["state"] == "given_up"
    assert set(notification["answers"]) <= {"refused", "timeout"}


def test_a_replay_is_the_same_bytes_and_duplicates_are_signed_anew(sandbox: Any, receiver: Any) -> None:
    listen(sandbox, receiver)
    sandbox.accept("alice")
    drain(sandbox)
    assert sandbox.post("/_sim/notify/replay")["answers"] == [200]
    assert receiver.pushes[1] == receiver.pushes[0]
    assert sandbox.post("/_sim/notify/duplicate", copies=3)["answers"] == [200, 200, 200]
    assert len({one.query["nonce"] for one in receiver.pushes}) == 4
    assert len({json.dumps(opened(one)) for one in receiver.pushes}) == 1


@pytest.mark.parametrize("what", ["body", "signature", "timestamp", "app_id"])
def test_a_falsified_push_does_not_pass_wechatpy(sandbox: Any, receiver: Any, what: str) -> None:
    listen(sandbox, receiver)
    sandbox.accept("alice")
    drain(sandbox)
    sandbox.post("/_sim/notify/tamper", what=what)
    genuine, falsified = receiver.pushes
    assert opened(genuine)
    with pytest.raises(Exception, match="Invalid AppId" if what == "app_id" else "Invalid signature"):
        opened(falsified)


def test_the_address_check_of_the_console_is_made_on_demand(sandbox: Any, receiver: Any) -> None:
    listen(sandbox, receiver)
    assert sandbox.post("/_sim/notify/verify") == {"echoed": True}


def test_pushes_go_to_this_machine_only(sandbox: Any, receiver: Any) -> None:
    for url in ("http://example.com/", "https://127.0.0.1/", "http://192.168.0.1/", "nowhere"):
        answer = sandbox.ask("PUT", "/_sim/callback", json=receiver.settings(url=url))
        assert answer.status_code == 400
    assert sandbox.ask("PUT", "/_sim/callback", json=receiver.settings(aes_key="short")).status_code == 400


def test_without_a_callback_nothing_is_pushed(sandbox: Any) -> None:
    sandbox.accept("alice")
    assert sandbox.get("/_sim/notifications") == {"notifications": []}
    assert sandbox.ask("POST", "/_sim/notify/replay").status_code == 404


def test_a_message_that_gets_lost_is_told_of_and_is_on_no_phone(sandbox: Any, receiver: Any) -> None:
    listen(sandbox, receiver, events=["sent"])
    sandbox.accept("alice")
    msgid = str(sandbox.send(sandbox.openid("alice"))["msgid"])
    assert sandbox.post("/_sim/lose", user="alice", msgid=msgid) == {"lost": msgid}
    drain(sandbox)
    told = [opened(push)["SubscribeMsgSentEvent"]["List"] for push in receiver.pushes]
    assert {(one["MsgID"], one["ErrorStatus"]) for one in told} == {
        (msgid, "success"),
        (msgid, "system error"),
    }
    assert sandbox.ask("GET", "/_sim/inbox/alice").json()["messages"] == []
    assert sandbox.ask("POST", "/_sim/lose", json={"user": "alice", "msgid": msgid}).status_code == 400
