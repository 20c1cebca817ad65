"""Whatever goes wrong, no secret shows: not in an exception, what it leads to, a traceback or a log record."""

import asyncio
import logging
import socket

import pytest
import requests
from scripted_wechat import APPID, CODE, DROPS, HANGS, OPENID, SECRET, TOKEN, Reply, clock, html, says

from app.identity.platforms.wechat_mini import WechatMini
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import SubscribeSender
from app.providers.wechat.errors import CODE_TO_SESSION, PHONE_NUMBER, STABLE_TOKEN, SUBSCRIBE_SEND

DATA = {"thing1": {"value": "欢迎光临"}}
ECHO = f"no {APPID} {SECRET} {TOKEN} {OPENID} {CODE} rid: 652d44d0-1a2b3c4d-5e6f7a8b"

REPLIES = {
    "time-out": HANGS,
    "hung up": DROPS,
    "html": html(),
    "502": html(502),
    "cut short": Reply(b'{"errcode": 0, "errm', length=200),
    "huge": Reply(b"x" * 300_000),
    "redirect": Reply(b"", 302, {"Location": f"https://example.org/?{SECRET}"}),
    "not http": Reply(b"", 200, {"Content-Length": "nonsense"}),
    **{
        str(errcode): says({"errcode": errcode, "errmsg": ECHO})
        for errcode in (
            -1,
            40001,
            40003,
            40013,
            40029,
            40125,
            40163,
            40226,
            43101,
            45009,
            45011,
            47003,
            12345,
        )
    },
}


def login(client, wechat):
    client.code_to_session(CODE)


def login_by_platform(client, wechat):
    WechatMini(client).verify(CODE, now=clock())


def phone(client, wechat):
    client.phone_number(CODE)


def message(client, wechat):
    client.send_subscribe_message(OPENID, "TPL", f"pages/points?member={OPENID}", DATA)


def mass_message(client, wechat):
    async def run():
        async with SubscribeSender(
            client.tokens,
            clock=clock,
            base_url=client._transport._exchange.base_url,
            read_timeout_s=wechat.read_timeout_s,
        ) as sender:
            await sender.send(OPENID, "TPL", f"pages/points?member={OPENID}", DATA)

    asyncio.run(run())


CALLS = [
    (login, CODE_TO_SESSION),
    (login_by_platform, CODE_TO_SESSION),
    (phone, PHONE_NUMBER),
    (message, SUBSCRIBE_SEND),
    (mass_message, SUBSCRIBE_SEND),
    (message, STABLE_TOKEN),
    (mass_message, STABLE_TOKEN),
]


def fails(call, client, wechat):
    with pytest.raises(Exception) as caught:
        call(client, wechat)
    return caught.value


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
@pytest.mark.parametrize(("call", "path"), CALLS, ids=[f"{call.__name__}{path}" for call, path in CALLS])
def test_no_failure_shows_a_secret(client, wechat, leaks, call, path, reply):
    wechat.on(path, reply)

    assert leaks(fails(call, client, wechat)) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("call", [login, phone, message])
def test_no_failed_connection_shows_a_secret(make_client, wechat, leaks, call, scheme):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = make_client(base_url=f"{scheme}://127.0.0.1:{closed.getsockname()[1]}")
        failure = fails(call, client, wechat)

    assert isinstance(failure, ProviderUnavailable)
    assert leaks(failure) == []


def test_a_server_without_tls_learns_and_shows_nothing(make_client, wechat, leaks):
    client = make_client(base_url=wechat.url.replace("http:", "https:"))

    assert leaks(fails(login, client, wechat)) == []
    assert wechat.requests == []


def test_a_success_writes_no_secret_to_the_log(client, wechat, leaks):
    wechat.on(CODE_TO_SESSION, says({"openid": OPENID, "session_key": "k"}))
    wechat.on(SUBSCRIBE_SEND, says({"errcode": 0}))

    login(client, wechat)
    message(client, wechat)
    mass_message(client, wechat)

    assert leaks(None) == []


def test_the_library_would_show_the_secret_if_we_let_it(wechat, leaks, caplog):
    """The control: the same failure without the transport, and the check sees it."""
    wechat.on(CODE_TO_SESSION, HANGS)
    logger = logging.getLogger("urllib3.connectionpool")
    (ours,) = logger.filters
    logger.removeFilter(ours)
    try:
        with requests.Session() as session, pytest.raises(requests.RequestException) as caught:
            session.get(
                wechat.url + CODE_TO_SESSION, params={"secret": SECRET}, allow_redirects=False, timeout=0.3
            )
    finally:
        logger.addFilter(ours)

    assert leaks(caught.value) == [SECRET]


def test_clients_and_senders_do_not_show_what_they_hold(client):
    client.tokens.get()
    sender = SubscribeSender(client.tokens, clock=clock)

    shown = (
        repr(client) + repr(client.tokens) + repr(sender) + repr(WechatMini(client)) + repr(client._transport)
    )
    assert not any(secret in shown for secret in (SECRET, TOKEN))


def test_every_failure_is_one_of_two_kinds(client, wechat):
    for reply in REPLIES.values():
        wechat.on(CODE_TO_SESSION, reply)
        assert isinstance(fails(login, client, wechat), ProviderRefused | ProviderUnavailable)
