"""Mass sending, and above all: what counts as not sent, and what as unknown."""

import asyncio
import socket

import pytest
from scripted_wechat import DROPS, HANGS, OPENID, TOKEN, Reply, clock, html, says

from app.providers import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat import Sent, SubscribeSender, errors
from app.providers.wechat.errors import STABLE_TOKEN, SUBSCRIBE_SEND

DATA = {"thing1": {"value": "欢迎光临"}}
OK = says({"errcode": 0, "errmsg": "ok", "msgid": 42})


def sender_of(client, wechat, **changes):
    settings = {
        "clock": clock,
        "base_url": wechat.url,
        "connect_timeout_s": wechat.read_timeout_s,
        "read_timeout_s": wechat.read_timeout_s,
    }
    return SubscribeSender(client.tokens, **(settings | changes))


def send_one(sender):
    async def run():
        async with sender as opened:
            return await opened.send(OPENID, "TPL", "pages/points", DATA, "en_US", "trial")

    return asyncio.run(run())


def test_a_message_is_sent(client, wechat):
    wechat.on(SUBSCRIBE_SEND, OK)

    assert send_one(sender_of(client, wechat)) == Sent(msgid="42")

    request = wechat.requests[-1]
    assert request.query == {"access_token": TOKEN}
    assert request.json == {
        "touser": OPENID,
        "template_id": "TPL",
        "page": "pages/points",
        "data": DATA,
        "lang": "en_US",
        "miniprogram_state": "trial",
    }
    assert "欢迎光临".encode() in request.body


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (43101, errors.NoSubscription),
        (40003, errors.RecipientInvalid),
        (40037, errors.TemplateInvalid),
        (43107, errors.TemplateBanned),
        (41030, errors.PageInvalid),
        (47003, errors.ContentInvalid),
        (45168, errors.ContentSensitive),
        (-1, errors.Busy),
        (45009, errors.QuotaExhausted),
        (43108, errors.ConcurrentSend),
    ],
)
def test_each_answer_is_sorted_and_nothing_is_sent_twice(client, wechat, errcode, kind):
    wechat.on(SUBSCRIBE_SEND, says({"errcode": errcode, "errmsg": "no"}))

    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        send_one(sender_of(client, wechat))

    assert type(caught.value) is kind
    assert wechat.count(SUBSCRIBE_SEND) == 1


@pytest.mark.parametrize(
    "reply",
    [
        HANGS,
        DROPS,
        html(),
        html(504),
        Reply(b'{"errcode": 0, "errm', length=200),
        Reply(b'{"errcode": 0, "errm'),
        Reply(b"x" * 300_000),
        Reply(b'{"errcode": 0}', trickle_s=0.1),
    ],
    ids=["read time-out", "hung up", "html", "504", "cut short", "half a document", "huge", "trickling"],
)
def test_no_readable_answer_after_sending_is_unknown_and_never_repeated(client, wechat, reply):
    wechat.on(SUBSCRIBE_SEND, reply)

    with pytest.raises(OutcomeUnknown):
        send_one(sender_of(client, wechat))
    assert wechat.count(SUBSCRIBE_SEND) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 429, 500, 502, 503])
def test_a_gateway_that_says_no_means_later(client, wechat, status):
    wechat.on(SUBSCRIBE_SEND, Reply(b"", status, {"Location": f"{wechat.url}/elsewhere"}))

    with pytest.raises(ProviderUnavailable) as caught:
        send_one(sender_of(client, wechat))

    assert not isinstance(caught.value, OutcomeUnknown)
    assert wechat.count("/elsewhere") == 0


def test_without_a_connection_nothing_was_sent(client, wechat):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(errors.Unreachable):
            send_one(sender_of(client, wechat, base_url=nobody))


def test_a_server_without_tls_gets_nothing(client, wechat):
    with pytest.raises(errors.Unreachable):
        send_one(sender_of(client, wechat, base_url=wechat.url.replace("http:", "https:")))
    assert wechat.count(SUBSCRIBE_SEND) == 0


def test_no_token_means_nothing_was_sent(client, wechat):
    wechat.on(STABLE_TOKEN, HANGS)

    with pytest.raises(errors.TokenUnavailable):
        send_one(sender_of(client, wechat))
    assert wechat.count(SUBSCRIBE_SEND) == 0


def test_many_sends_share_one_replacement_of_a_withdrawn_token(client, wechat):
    def by_token(request):
        return OK if request.query["access_token"] == "NEW" else says({"errcode": 40001, "errmsg": ""})

    wechat.on(
        STABLE_TOKEN,
        says({"access_token": TOKEN, "expires_in": 7200}),
        says({"access_token": "NEW", "expires_in": 7200}),
    )
    wechat.on(SUBSCRIBE_SEND, by_token)

    async def run():
        # No more connections than the scripted server, a thread each, keeps up with on a busy machine.
        async with sender_of(client, wechat, connections=16) as sender:
            sends = (sender.send(f"o{number}", "TPL", None, DATA) for number in range(100))
            return await asyncio.gather(*sends)

    assert asyncio.run(run()) == [Sent("42")] * 100
    assert wechat.count(STABLE_TOKEN) == 2


def test_a_second_token_turned_down_ends_the_send(client, wechat):
    wechat.on(
        STABLE_TOKEN,
        says({"access_token": TOKEN, "expires_in": 7200}),
        says({"access_token": "NEW", "expires_in": 7200}),
    )
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 42001, "errmsg": ""}))

    with pytest.raises(errors.TokenRejected):
        send_one(sender_of(client, wechat))
    assert (wechat.count(STABLE_TOKEN), wechat.count(SUBSCRIBE_SEND)) == (2, 2)


def test_sends_that_wait_their_turn_do_not_time_out(client, wechat):
    wechat.on(SUBSCRIBE_SEND, Reply(b'{"errcode": 0, "errmsg": "ok"}', trickle_s=0.005))

    async def run():
        sender = sender_of(client, wechat, connections=2, connect_timeout_s=0.8, read_timeout_s=0.8)
        async with sender:
            sends = (sender.send(f"o{number}", "TPL", None, DATA) for number in range(24))
            return await asyncio.gather(*sends)

    assert asyncio.run(run()) == [Sent(None)] * 24
