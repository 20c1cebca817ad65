"""What WeChat pushes: the documentation's own examples, wechatpy as a second opinion, and every kind of forgery."""

import base64
import json
import logging
import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from app.errors import Invalid
from app.providers.wechat import PushReader, PushRejected, SubscribeResult
from app.providers.wechat.push import FRESH_S, MAX_PUSH_BYTES

VECTORS = json.loads((Path(__file__).parent / "vectors" / "wechat_push.json").read_text())
APPID, TOKEN, AES_KEY = "wx0123456789abcdef", "pushToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
OPENID = "oOPENID-of-one-member-000001"

reader = PushReader(APPID, token=TOKEN, encoding_aes_key=AES_KEY)


def reader_for(vector):
    return PushReader(vector["appid"], token=vector["token"], encoding_aes_key=vector["encoding_aes_key"])


def signed(*parts):
    return sha1("".join(sorted([TOKEN, *parts])).encode()).hexdigest()


def sealed(message, appid=APPID, *, length=None, padding=None):
    """Encrypts as WeChat does; `length` and `padding` to get it wrong."""
    text = message if isinstance(message, bytes) else message.encode()
    plain = b"r" * 16 + struct.pack(">I", len(text) if length is None else length) + text + appid.encode()
    missing = 32 - len(plain) % 32
    plain += bytes([missing]) * missing if padding is None else padding
    key = base64.b64decode(AES_KEY + "=")
    seal = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(seal.update(plain) + seal.finalize()).decode()


def push_of(encrypted, changes=None, *, stamp=STAMP, nonce="42"):
    """A push with a genuine signature; `changes` are made to its query afterwards."""
    query = {
        "timestamp": stamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": signed(stamp, nonce, encrypted),
    }
    return query | (changes or {}), json.dumps({"ToUserName": "gh_1", "Encrypt": encrypted}).encode()


def opened(payload, *, now=NOW):
    return reader.open_push(
        *push_of(sealed(payload if isinstance(payload, str) else json.dumps(payload))), now
    )


def event(name, **more):
    head = {
        "ToUserName": "gh_1",
        "FromUserName": OPENID,
        "CreateTime": str(int(NOW.timestamp())),
        "MsgType": "event",
        "Event": name,
    }
    return head | more


def rejected(query, body, now=NOW, by=reader):
    with pytest.raises(PushRejected) as caught:
        by.open_push(query, body, now)
    assert isinstance(caught.value, Invalid)
    assert (str(caught.value), caught.value.data) == ("push_rejected", {})
    assert caught.value.__context__ is None


# Checked against the documentation and wechatpy


def test_the_documented_url_check_is_answered():
    vector = VECTORS["url_check"]
    documented = PushReader(APPID, token=vector["token"], encoding_aes_key=AES_KEY)

    echo = documented.verify_url(
        vector["signature"], vector["timestamp"], vector["nonce"], "4375120948345356249"
    )

    assert echo == "4375120948345356249"


@pytest.mark.parametrize("format", ["json", "xml"])
def test_the_documented_push_is_opened(format):
    vector = VECTORS[format]
    query = {"encrypt_type": "aes"} | {k: vector[k] for k in ("timestamp", "nonce", "msg_signature")}
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": vector["encrypt"]})
    if format == "xml":
        body = f"<xml><ToUserName>gh_97417a04a28d</ToUserName><Encrypt><![CDATA[{vector['encrypt']}]]></Encrypt></xml>"
    at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)

    push = reader_for(vector).open_push(query, body.encode(), at)

    assert push.event == "debug_demo"
    assert push.openid == "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
    assert push.created_at == at
    assert push.results == ()


def test_what_wechatpy_encrypts_is_opened():
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    for number in range(40):  # every length of padding
        message = json.dumps(event("debug_demo", text="会" * number), ensure_ascii=False)
        envelope = crypto.encrypt_message(message, "nonce", STAMP)
        signature = envelope.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        query = {"timestamp": STAMP, "nonce": "nonce", "encrypt_type": "aes", "msg_signature": signature}

        assert reader.open_push(query, envelope.encode(), NOW).openid == OPENID


def test_what_we_encrypt_for_these_tests_wechatpy_opens():
    encrypted = sealed('{"a": "会员"}')

    opened_by_wechatpy = WeChatCrypto(TOKEN, AES_KEY, APPID).decrypt_message(
        {"Encrypt": encrypted}, signed(STAMP, "42", encrypted), STAMP, "42"
    )

    assert opened_by_wechatpy == '{"a": "会员"}'


# Subscribe events, in each shape

ACCEPT = {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
REJECT = {"TemplateId": "T2", "SubscribeStatusString": "reject", "PopupScene": "0"}


@pytest.mark.parametrize(
    "carried",
    [
        {"SubscribeMsgPopupEvent": [ACCEPT, REJECT]},
        {"SubscribeMsgPopupEvent": {"List": [ACCEPT, REJECT]}},
        {"List": [ACCEPT, REJECT]},
    ],
    ids=["bare", "wrapped", "flat"],
)
def test_several_results_come_out_of_each_shape(carried):
    assert opened(event("subscribe_msg_popup_event", **carried)).results == (
        SubscribeResult("T1", "accept"),
        SubscribeResult("T2", "reject"),
    )


@pytest.mark.parametrize(
    "carried",
    [
        {"SubscribeMsgChangeEvent": [REJECT]},
        {"SubscribeMsgChangeEvent": REJECT},
        {"SubscribeMsgChangeEvent": {"List": REJECT}},
        {"SubscribeMsgChangeEvent": {"List": [REJECT]}},
        {"List": REJECT},
    ],
    ids=["bare list", "bare object", "wrapped object", "wrapped list", "flat object"],
)
def test_one_result_comes_out_of_each_shape(carried):
    assert opened(event("subscribe_msg_change_event", **carried)).results == (
        SubscribeResult("T2", "reject"),
    )


@pytest.mark.parametrize("number", [str, int])
def test_a_sent_event_tells_what_became_of_the_message(number):
    item = {"TemplateId": "T1", "MsgID": number(123), "ErrorCode": number(0), "ErrorStatus": "success"}

    push = opened(event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": item}))

    assert push.results == (SubscribeResult("T1", "success", "123", 0),)


@pytest.mark.parametrize("times", [1, 2])
def test_xml_with_one_or_several_results(times):
    item = "<List><TemplateId><![CDATA[T1]]></TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"
    xml = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>"
        f"<CreateTime>{STAMP}</CreateTime><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event>"
        f"<SubscribeMsgPopupEvent>{item * times}</SubscribeMsgPopupEvent></xml>"
    )

    push = opened(xml)

    assert push.openid == OPENID
    assert push.results == (SubscribeResult("T1", "accept"),) * times


def test_an_event_without_results_is_none_the_less_an_event():
    assert opened(event("subscribe_msg_popup_event", SubscribeMsgPopupEvent=[])).results == ()
    assert opened(event("user_enter_tempsession", SessionFrom="x")).results == ()


def test_what_a_person_writes_is_no_event():
    text = event("ignored") | {"MsgType": "text", "Content": "hello", "MsgId": 1234567890123456}

    push = opened(text)

    assert (push.event, push.results) == (None, ())


def test_a_push_does_not_show_whom_it_is_about():
    push = opened(event("debug_demo"))

    assert OPENID not in repr(push)
    assert OPENID not in push.dedupe_key


# Repetitions


def test_a_repetition_has_the_same_key_though_it_is_encrypted_anew():
    payload = event("subscribe_msg_popup_event", List=[ACCEPT, REJECT])
    first = reader.open_push(*push_of(sealed(json.dumps(payload))), NOW)
    later = NOW + timedelta(seconds=9)
    again = push_of(sealed(json.dumps(payload)), stamp=str(int(later.timestamp())), nonce="43")

    assert reader.open_push(*again, later).dedupe_key == first.dedupe_key


@pytest.mark.parametrize(
    "other",
    [
        event("subscribe_msg_popup_event", List=[{**ACCEPT, "TemplateId": "T9"}]),
        event("subscribe_msg_popup_event", List=[{**ACCEPT, "SubscribeStatusString": "reject"}]),
        event("subscribe_msg_change_event", List=[ACCEPT]),
        event("subscribe_msg_popup_event", List=[ACCEPT]) | {"CreateTime": "1"},
        event("subscribe_msg_popup_event", List=[ACCEPT]) | {"FromUserName": "oANOTHER"},
    ],
    ids=["template", "answer", "event", "second", "person"],
)
def test_two_events_of_one_second_are_two(other):
    one = opened(event("subscribe_msg_popup_event", List=[ACCEPT]))

    assert opened(other).dedupe_key != one.dedupe_key


def test_two_sends_of_one_second_are_told_apart_by_their_message_id():
    def sent(msgid):
        item = {"TemplateId": "T1", "MsgID": msgid, "ErrorCode": "0", "ErrorStatus": "success"}
        return opened(event("subscribe_msg_sent_event", List=item)).dedupe_key

    assert sent("1") != sent("2")


def test_messages_are_told_apart_by_their_id_alone():
    def written(msgid):
        return opened(event("") | {"MsgType": "text", "MsgId": msgid}).dedupe_key

    assert written(1) == written("1")
    assert written(1) != written(2)


# Forgeries and faults

GENUINE = sealed(json.dumps(event("debug_demo")))


@pytest.mark.parametrize("seconds", [-FRESH_S, 0, FRESH_S])
def test_a_push_of_up_to_five_minutes_is_fresh(seconds):
    assert reader.open_push(*push_of(GENUINE), NOW + timedelta(seconds=seconds)).event == "debug_demo"


@pytest.mark.parametrize("seconds", [-FRESH_S - 1, FRESH_S + 1, 86_400])
def test_an_old_or_future_push_is_rejected(seconds):
    rejected(*push_of(GENUINE), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "changes",
    [
        {"msg_signature": "0" * 40},
        {"msg_signature": ""},
        {"msg_signature": "é" * 40},
        {"msg_signature": "\ud800"},
        {"nonce": "43"},
        {"nonce": "\ud800"},
        {"timestamp": str(int(STAMP) + 1)},
        {"timestamp": ""},
        {"timestamp": "-1"},
        {"timestamp": "１７"},
        {"timestamp": "9" * 400},
        {"encrypt_type": "raw"},
        {"encrypt_type": ""},
    ],
)
def test_a_changed_query_is_rejected(changes):
    rejected(*push_of(GENUINE, changes))


@pytest.mark.parametrize("missing", ["timestamp", "nonce", "encrypt_type", "msg_signature"])
def test_an_incomplete_query_is_rejected(missing):
    query, body = push_of(GENUINE)
    del query[missing]

    rejected(query, body)


def test_the_plain_signature_does_not_stand_in_for_the_message_signature():
    rejected(*push_of(GENUINE, {"msg_signature": signed(STAMP, "42")}))


def test_another_body_under_a_genuine_signature_is_rejected():
    query, _ = push_of(GENUINE)
    _, body = push_of(sealed(json.dumps(event("forged"))))

    rejected(query, body)


@pytest.mark.parametrize(
    "encrypted",
    [
        sealed("{}", "wxffffffffffffffff"),
        sealed("{}", APPID + "0"),
        sealed("{}", ""),
        sealed("{}", length=0),
        sealed("{}", length=2**32 - 1),
        sealed("{}", padding=b"\x00" * 8),
        sealed("{}", padding=b"\x01" * 6 + b"\x21\x21"),
        sealed("{}", padding=b"\x07\x08" * 4),
        sealed(b"\xff\xfe"),
        sealed("no document"),
        sealed("[]"),
        sealed("null"),
        sealed("<xml>"),
        sealed("<xml>text alone</xml>"),
        sealed("[" * 20_000),
        sealed("<a>" * 2_000),
        base64.b64encode(b"x" * 15).decode(),
        base64.b64encode(b"x" * 16).decode(),
        base64.b64encode(b"x" * 32).decode(),
        "not base64!",
        "=",
    ],
    ids=range(21),
)
def test_signed_rubbish_is_rejected_and_never_an_error_of_ours(encrypted):
    rejected(*push_of(encrypted))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<xml/>",
        b"<xml><Encrypt></Encrypt></xml>",
        b'{"Encrypt": 5.5}',
        b'{"Encrypt": null}',
        b"\xff\xff",
        b"<?xml version='1.0' encoding='nonsense'?><xml/>",
        b"<" * 1000,
        b" " * (MAX_PUSH_BYTES + 1),
    ],
)
def test_a_body_that_holds_no_push_is_rejected(body):
    query, _ = push_of(GENUINE)

    rejected(query, body)


def test_a_body_that_is_too_large_is_rejected_though_signed():
    rejected(*push_of(sealed("x" * MAX_PUSH_BYTES)))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE xml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd">',
        "<!DOCTYPE xml>",
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_a_document_type_is_rejected_before_any_entity(doctype, inside):
    bomb = f"{doctype}<xml><FromUserName>&b;</FromUserName><Encrypt>{GENUINE}</Encrypt></xml>"
    if inside:
        rejected(*push_of(sealed(bomb)))
    else:
        rejected(push_of(GENUINE)[0], bomb.encode())


@pytest.mark.parametrize(
    "payload",
    [
        {},
        event("debug_demo") | {"FromUserName": None},
        event("debug_demo") | {"FromUserName": {"x": 1}},
        event("debug_demo") | {"CreateTime": "soon"},
        event("debug_demo") | {"CreateTime": "9" * 30},
        event("debug_demo") | {"CreateTime": True},
        event("") | {"Event": ""},
        event("subscribe_msg_popup_event", List=["T1"]),
        event("subscribe_msg_popup_event", List=[{"SubscribeStatusString": "accept"}]),
        event("subscribe_msg_popup_event", List=[{"TemplateId": "T1"}]),
        event(
            "subscribe_msg_sent_event", List=[{"TemplateId": "T1", "ErrorStatus": "x", "ErrorCode": "none"}]
        ),
        event(
            "subscribe_msg_sent_event", List=[{"TemplateId": "T1", "ErrorStatus": "x", "ErrorCode": 1e999}]
        ),
    ],
    ids=range(12),
)
def test_a_genuine_push_without_what_it_must_hold_is_rejected(payload):
    rejected(*push_of(sealed(json.dumps(payload))))


@given(
    st.one_of(st.binary(max_size=200), st.text("<>/!?=[]&;'\"xmlENTYDOCP %-", max_size=80).map(str.encode))
)
def test_no_bytes_whatever_cause_an_error_of_ours(message):
    for document in (message, b"<" + message, b"<xml>" + message + b"</xml>"):
        rejected(*push_of(sealed(document)))
        rejected(push_of(GENUINE)[0], document)


@pytest.mark.parametrize(
    ("signature", "timestamp", "nonce", "echostr"),
    [
        ("0" * 40, STAMP, "42", "echo"),
        (signed(STAMP, "42"), STAMP, "43", "echo"),
        (signed(STAMP, "42"), STAMP, "42", ""),
        (signed(STAMP, "42"), STAMP, "42", "e" * 201),
        (signed(STAMP, "42"), STAMP, "42", "a\r\nb"),
        (signed("", ""), "", "", "echo"),
        ("\ud800", STAMP, "42", "echo"),
    ],
)
def test_a_url_check_that_is_not_wechats_gets_no_echo(signature, timestamp, nonce, echostr):
    with pytest.raises(PushRejected):
        reader.verify_url(signature, timestamp, nonce, echostr)


@pytest.mark.parametrize("key", ["", AES_KEY[:-1], AES_KEY + "x", "é" * 43, AES_KEY[:-1] + "="])
def test_a_key_that_is_none_is_noticed_at_the_start(key):
    with pytest.raises(ValueError, match="43 letters") as caught:
        PushReader(APPID, token=TOKEN, encoding_aes_key=key)
    assert not key or key not in str(caught.value)


def test_the_log_says_why_and_nothing_else(caplog):
    caplog.set_level(logging.DEBUG)
    rejected(*push_of(GENUINE, {"msg_signature": "0" * 40}))
    rejected(*push_of(sealed("{}", "wxffffffffffffffff")))

    assert [record.getMessage() for record in caplog.records] == [
        "wechat push rejected: signature",
        "wechat push rejected: app id",
    ]
    assert not any(secret in caplog.text + repr(reader) for secret in (TOKEN, AES_KEY, OPENID))
