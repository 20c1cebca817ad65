"""The client against a WeChat that answers by script."""

import time
from http.client import HTTPResponse

import pytest
from scripted_wechat import APPID, CODE, HANGS, OPENID, SECRET, TOKEN, Reply, html, says

from app.providers import OutcomeUnknown, ProviderUnavailable
from app.providers.wechat import Code2Session, errors
from app.providers.wechat.errors import CODE_TO_SESSION, PHONE_NUMBER, STABLE_TOKEN, SUBSCRIBE_SEND

BUSY = says({"errcode": -1, "errmsg": "system error"})
DATA = {"thing1": {"value": "欢迎光临"}}


def test_a_login_code_is_redeemed_without_an_access_token(client, wechat):
    wechat.on(CODE_TO_SESSION, says({"openid": OPENID, "session_key": "c2VjcmV0", "unionid": "oUNION"}))
    wechat.on(STABLE_TOKEN, html(503))

    assert client.code_to_session(CODE) == Code2Session(OPENID, "oUNION")

    (request,) = wechat.requests
    assert request.method == "GET"
    assert request.query == {
        "appid": APPID,
        "secret": SECRET,
        "js_code": CODE,
        "grant_type": "authorization_code",
    }


def test_an_app_without_open_platform_account_has_no_unionid(client, wechat):
    wechat.on(CODE_TO_SESSION, says({"openid": OPENID, "session_key": "c2VjcmV0", "errcode": 0}))

    assert client.code_to_session(CODE).unionid is None


def test_who_logged_in_does_not_show_in_a_repr():
    assert OPENID not in repr(Code2Session(OPENID, OPENID))


def test_a_busy_wechat_is_asked_three_times_in_all(client, wechat):
    wechat.on(CODE_TO_SESSION, BUSY)

    with pytest.raises(errors.Busy):
        client.code_to_session(CODE)
    assert wechat.count(CODE_TO_SESSION) == 3


def test_a_login_goes_through_when_wechat_is_busy_for_a_moment(client, wechat):
    wechat.on(CODE_TO_SESSION, BUSY, BUSY, says({"openid": OPENID, "session_key": "c2VjcmV0"}))

    assert client.code_to_session(CODE).openid == OPENID


@pytest.mark.parametrize("errcode", [40029, 40163, 40226, 45011, 40125])
def test_nothing_but_busy_is_asked_again(client, wechat, errcode):
    wechat.on(CODE_TO_SESSION, says({"errcode": errcode, "errmsg": "no"}))

    with pytest.raises((errors.ProviderRefused, ProviderUnavailable)):
        client.code_to_session(CODE)
    assert wechat.count(CODE_TO_SESSION) == 1


def test_a_login_without_an_answer_is_not_repeated_since_a_code_works_once(client, wechat):
    wechat.on(CODE_TO_SESSION, HANGS)

    with pytest.raises(OutcomeUnknown):
        client.code_to_session(CODE)
    assert wechat.count(CODE_TO_SESSION) == 1


def test_a_login_answer_without_openid_is_no_login(client, wechat):
    wechat.on(CODE_TO_SESSION, says({"errcode": 0, "openid": ""}))

    with pytest.raises(errors.BadAnswer):
        client.code_to_session(CODE)


def phone_info(country="86", number="13800008000", appid=APPID):
    return {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": country,
            "watermark": {"timestamp": 1, "appid": appid},
        },
    }


@pytest.mark.parametrize(
    ("country", "number", "e164"),
    [("86", "13800008000", "+8613800008000"), ("852", "61234567", "+85261234567")],
)
def test_a_phone_number_comes_as_e164(client, wechat, country, number, e164):
    wechat.on(PHONE_NUMBER, says(phone_info(country, number)))

    assert client.phone_number("phone-code") == e164
    assert wechat.requests[-1].json == {"code": "phone-code"}
    assert wechat.requests[-1].query == {"access_token": TOKEN}


@pytest.mark.parametrize(
    "answer",
    [
        phone_info(appid="wxffffffffffffffff"),
        phone_info(number="138 0000"),
        phone_info(country=""),
        {"errcode": 0},
    ],
    ids=["another app's", "not digits", "no country", "nothing"],
)
def test_a_phone_number_that_is_none_is_not_believed(client, wechat, answer):
    wechat.on(PHONE_NUMBER, says(answer))

    with pytest.raises(errors.BadAnswer):
        client.phone_number("phone-code")
    assert wechat.count(PHONE_NUMBER) == 1


def test_a_message_goes_out_with_language_and_state(client, wechat):
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 0, "errmsg": "ok", "msgid": 1234567890123}))

    msgid = client.send_subscribe_message(OPENID, "TPL", "pages/points", DATA, "en_US", "trial")

    assert msgid == "1234567890123"
    request = wechat.requests[-1]
    assert request.json == {
        "touser": OPENID,
        "template_id": "TPL",
        "page": "pages/points",
        "data": DATA,
        "lang": "en_US",
        "miniprogram_state": "trial",
    }
    assert "欢迎光临".encode() in request.body
    assert request.content_type == "application/json"


def test_a_message_without_page_or_msgid(client, wechat):
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 0, "errmsg": "ok"}))

    assert client.send_subscribe_message(OPENID, "TPL", None, DATA) is None
    assert "page" not in wechat.requests[-1].json


def test_a_token_turned_down_is_replaced_once(client, wechat):
    def by_token(request):
        good = request.query["access_token"] == "NEW"
        return says({"errcode": 0 if good else 40001, "errmsg": ""})

    wechat.on(
        STABLE_TOKEN,
        says({"access_token": TOKEN, "expires_in": 7200}),
        says({"access_token": "NEW", "expires_in": 7200}),
    )
    wechat.on(SUBSCRIBE_SEND, by_token)

    client.send_subscribe_message(OPENID, "TPL", None, DATA)
    client.send_subscribe_message(OPENID, "TPL", None, DATA)

    assert wechat.count(STABLE_TOKEN) == 2
    assert wechat.count(SUBSCRIBE_SEND) == 3


def test_a_second_token_turned_down_ends_the_call(client, wechat):
    wechat.on(
        STABLE_TOKEN,
        says({"access_token": TOKEN, "expires_in": 7200}),
        says({"access_token": "NEW", "expires_in": 7200}),
    )
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 42001, "errmsg": "expired"}))

    with pytest.raises(errors.TokenRejected):
        client.send_subscribe_message(OPENID, "TPL", None, DATA)
    assert (wechat.count(STABLE_TOKEN), wechat.count(SUBSCRIBE_SEND)) == (2, 2)


def test_a_token_that_is_handed_out_again_after_being_turned_down_is_a_wrong_setting(client, wechat, caplog):
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 40001, "errmsg": "invalid credential"}))

    for _ in range(5):
        with pytest.raises(errors.Misconfigured):
            client.send_subscribe_message(OPENID, "TPL", None, DATA)

    assert wechat.count(STABLE_TOKEN) == 2  # and no third one with every further message
    assert wechat.count(SUBSCRIBE_SEND) == 5
    assert any(record.levelname == "ERROR" for record in caplog.records)


def test_methods_inherited_from_wechatpy_go_the_same_way(client, wechat):
    wechat.on("/wxa/getpaidunionid", says({"errcode": 0, "unionid": "oUNION"}))
    wechat.on("/cgi-bin/menu/get", says({"errcode": 48001, "errmsg": "api unauthorized"}))
    wechat.on("/wxa/msg_sec_check", html())

    assert client.wxa.get_paid_unionid(OPENID, transaction_id="42") == "oUNION"
    assert wechat.requests[-1].query["access_token"] == TOKEN
    with pytest.raises(errors.Misconfigured):
        client.menu.get()
    with pytest.raises(errors.BadAnswer):
        client.wxa.check_text_security("你好")


def test_no_method_reaches_another_host(client):
    with pytest.raises(ValueError, match="not an address"):
        client.get("https://api.weixin.qq.com.example.org/cgi-bin/menu/get")


def test_the_token_call_has_a_time_out_of_its_own(client, wechat):
    wechat.on(STABLE_TOKEN, HANGS)

    with pytest.raises(errors.TokenUnavailable) as caught:
        client.send_subscribe_message(OPENID, "TPL", None, DATA)

    assert not isinstance(caught.value, OutcomeUnknown)  # the message itself was never sent
    assert wechat.count(SUBSCRIBE_SEND) == 0


def test_a_redirect_is_never_followed(client, wechat):
    wechat.on(CODE_TO_SESSION, Reply(b"", 302, {"Location": wechat.url + "/elsewhere"}))
    wechat.on("/elsewhere", says({"openid": OPENID}))

    with pytest.raises(errors.GatewayError):
        client.code_to_session(CODE)
    assert wechat.count("/elsewhere") == 0


def test_a_cookie_is_not_kept(client, wechat):
    wechat.on(CODE_TO_SESSION, Reply(b'{"openid": "o"}', 200, {"Set-Cookie": "a=b; Path=/"}))

    client.code_to_session(CODE)

    assert not client._transport._exchange.session.cookies


def test_a_proxy_named_by_the_environment_is_not_used(client, wechat, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    wechat.on(CODE_TO_SESSION, says({"openid": OPENID}))

    assert client.code_to_session(CODE).openid == OPENID


def test_an_answer_that_trickles_in_is_not_waited_for(client, wechat):
    wechat.on(CODE_TO_SESSION, Reply(b'{"openid": "o", "session_key": "k"}', trickle_s=0.1))

    with pytest.raises(OutcomeUnknown):
        client.code_to_session(CODE)


def test_headers_that_trickle_in_are_not_waited_for(client, wechat):
    """A byte comes long before each read's own time-out; all of them would take half a minute and more."""
    wechat.on(CODE_TO_SESSION, Reply(b'{"openid": "o", "session_key": "k"}', trickle_headers_s=0.2))

    with pytest.raises(OutcomeUnknown):
        client.code_to_session(CODE)


@pytest.mark.long
def test_without_a_deadline_for_the_whole_they_would_be(make_client, wechat, monkeypatch):
    """The control: each read has its own time-out, as sockets do, and the answer arrives in the end."""
    monkeypatch.setattr("app.providers.in_time._Connection.response_class", HTTPResponse)
    reply = Reply(b'{"openid": "o", "session_key": "c2Vzc2lvbi1rZXktb2Ytd3g="}', trickle_headers_s=0.015)
    wechat.on(CODE_TO_SESSION, reply)

    assert make_client(read_timeout_s=1).code_to_session(CODE).openid == "o"


def test_the_deadline_is_the_exchanges_and_not_the_connections(make_client, wechat):
    """One kept connection serves many, for longer altogether than any of them may take."""
    client = make_client(read_timeout_s=1)

    def after_a_while(_):
        time.sleep(0.15)
        return says({"openid": "o", "session_key": "c2Vzc2lvbi1rZXktb2Ytd3g="})

    wechat.on(CODE_TO_SESSION, after_a_while)

    assert {client.code_to_session(CODE).openid for _ in range(8)} == {"o"}


def test_an_answer_without_end_is_not_read(client, wechat):
    wechat.on(CODE_TO_SESSION, Reply(b'{"openid": "' + b"o" * 3_000_000 + b'"}'))

    with pytest.raises(errors.BadAnswer):
        client.code_to_session(CODE)


@pytest.mark.parametrize("code", ["", "a b", "码", "x" * 257, "\ud800"])
def test_what_cannot_be_a_code_is_not_asked_about(client, wechat, code):
    for ask in (client.code_to_session, client.phone_number):
        with pytest.raises(errors.CodeInvalid):
            ask(code)
    assert wechat.requests == []


def test_half_a_character_does_not_stop_a_message(client, wechat):
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 0}))

    client.send_subscribe_message(OPENID, "TPL", None, {"thing1": {"value": "a\ud800b"}})

    assert wechat.requests[-1].json["data"] == {"thing1": {"value": "a?b"}}
