"""The whole door against the WeChat stand-in: phone numbers, messages, pushes, and what happens when it fails."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from scripted_wechat import APPID, TEMPLATE, clock

from app.providers import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat import PushReader, PushRejected, SubscribeSender, errors, fit_fields
from app.providers.wechat.errors import PHONE_NUMBER, STABLE_TOKEN, SUBSCRIBE_SEND

DATA = fit_fields(
    {"thing1": "积分到账，谢谢您的光临，欢迎下次再来喝茶", "amount2": "¥12.00", "time3": "2026-11-22 09:00"}
)


def test_a_phone_number_is_asked_for_once(sandbox_client, sandbox):
    person = sandbox.openid("lan")
    code = sandbox.tell("phone_code", user="lan1")["code"]

    assert sandbox_client.phone_number(code) == "+86" + sandbox.ask("users/lan1")["phone"]
    with pytest.raises(errors.CodeInvalid):
        sandbox_client.phone_number(code)
    assert sandbox.ask("metrics")["phone_numbers"]["answered"] == 1
    assert person


def test_a_message_arrives_as_it_was_meant(sandbox_client, sandbox):
    openid = sandbox.openid("lan", credits=1)

    msgid = sandbox_client.send_subscribe_message(
        openid, TEMPLATE, "pages/points/points?from=msg", DATA, "en_US", "trial"
    )

    (message,) = sandbox.inbox(openid)
    assert message["msgid"] == msgid
    assert message["values"] == {key: field["value"] for key, field in DATA.items()}
    assert (message["page"], message["lang"], message["state"]) == (
        "pages/points/points?from=msg",
        "en_US",
        "trial",
    )


def test_a_used_up_consent_is_final(sandbox_client, sandbox):
    openid = sandbox.openid("lan", credits=1)
    sandbox_client.send_subscribe_message(openid, TEMPLATE, None, DATA)

    with pytest.raises(errors.NoSubscription):
        sandbox_client.send_subscribe_message(openid, TEMPLATE, None, DATA)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"openid": "oNOBODY"}, errors.RecipientInvalid),
        ({"template_id": "TPL_OTHER"}, errors.TemplateInvalid),
        ({"page": "pages/none"}, errors.PageInvalid),
        ({"data": DATA | {"thing1": {"value": "违禁词"}}}, errors.ContentSensitive),
        ({"data": DATA | {"amount2": {"value": "一元"}}}, errors.ContentInvalid),
    ],
    ids=["recipient", "template", "page", "sensitive", "data"],
)
def test_wechats_refusals_come_out_in_our_words(sandbox_client, sandbox, changes, kind):
    wanted = {"openid": sandbox.openid("lan", credits=1), "template_id": TEMPLATE, "page": None, "data": DATA}

    with pytest.raises(ProviderRefused) as caught:
        sandbox_client.send_subscribe_message(**(wanted | changes))

    assert type(caught.value) is kind
    assert caught.value.rid
    if kind is errors.ContentInvalid:
        assert caught.value.field == "amount2"


def send_all(client, sandbox, openids, **settings):
    """What became of each message: its id, or the reason it was not sent."""

    async def one(sender, openid):
        try:
            return (await sender.send(openid, TEMPLATE, None, DATA)).msgid
        except (ProviderRefused, ProviderUnavailable) as failure:
            return failure

    async def run():
        async with SubscribeSender(client.tokens, clock=clock, base_url=sandbox.url, **settings) as sender:
            return await asyncio.gather(*(one(sender, openid) for openid in openids))

    return asyncio.run(run())


def members(sandbox, count, credits=1):
    made = sandbox.tell("users", count=count, prefix="m", credits={TEMPLATE: credits})
    return [user["openid"] for user in made["users"]]


def test_five_hundred_messages_arrive_once_each_with_one_token(sandbox_client, sandbox):
    openids = members(sandbox, 500)

    msgids = send_all(sandbox_client, sandbox, openids)

    assert len(set(msgids)) == 500
    assert all(isinstance(msgid, str) for msgid in msgids)
    assert sandbox.ask("metrics")["sends"] == 500
    assert sandbox.calls(STABLE_TOKEN) == 1


def test_a_token_withdrawn_between_two_batches_costs_one_fetch(sandbox_client, sandbox):
    send_all(sandbox_client, sandbox, members(sandbox, 50, credits=2))
    sandbox.tell("token/revoke")

    msgids = send_all(sandbox_client, sandbox, members(sandbox, 50, credits=0))

    assert all(isinstance(msgid, str) for msgid in msgids)
    assert sandbox.calls(STABLE_TOKEN) == 2


def test_two_messages_at_once_to_one_person_may_be_repeated(sandbox_client, sandbox):
    sandbox.tell("latency", p50_ms=100, p99_ms=100)
    (openid,) = members(sandbox, 1, credits=2)

    outcomes = send_all(sandbox_client, sandbox, [openid, openid])

    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["ConcurrentSend", "str"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("drop", {}),
        ("timeout", {"hang_ms": 2_000}),
        ("html", {}),
        ("malformed_json", {}),
        ("truncated", {}),
    ],
)
def test_an_answer_that_was_lost_is_unknown_and_the_message_is_not_repeated(
    sandbox_client, sandbox, kind, action, moment
):
    (openid,) = members(sandbox, 1, credits=2)
    sandbox.fault(SUBSCRIBE_SEND, moment, type=kind, **action)

    (outcome,) = send_all(sandbox_client, sandbox, [openid], read_timeout_s=0.5)

    assert isinstance(outcome, OutcomeUnknown)
    assert sandbox.calls(SUBSCRIBE_SEND) == 1
    arrived = len(sandbox.inbox(openid))
    assert arrived == (
        1 if moment == "after" or kind == "truncated" else 0
    )  # which is why it is called unknown


@pytest.mark.parametrize("errcode", [-1, 45009, 43108])
def test_an_answer_that_says_later_is_known_not_to_have_sent(sandbox_client, sandbox, errcode):
    (openid,) = members(sandbox, 1)
    sandbox.fault(SUBSCRIBE_SEND, type="errcode", errcode=errcode)

    (outcome,) = send_all(sandbox_client, sandbox, [openid])

    assert isinstance(outcome, ProviderUnavailable)
    assert not isinstance(outcome, OutcomeUnknown)
    assert sandbox.inbox(openid) == []


def test_a_wrong_secret_stops_everything_after_one_question(make_client, sandbox, shared):
    sandbox.fault(STABLE_TOKEN, type="errcode", errcode=40125)
    client = make_client(base_url=sandbox.url, shared=shared, read_timeout_s=60)

    outcomes = send_all(client, sandbox, members(sandbox, 20))

    assert {type(outcome) for outcome in outcomes} == {errors.Misconfigured}
    assert sandbox.calls(STABLE_TOKEN) == 1
    assert sandbox.calls(SUBSCRIBE_SEND) == 0


def test_a_phone_code_is_not_asked_for_again_after_a_lost_answer(make_client, sandbox):
    client = make_client(base_url=sandbox.url, read_timeout_s=0.5)
    sandbox.openid("lan")
    sandbox.fault(PHONE_NUMBER, "after", type="timeout", hang_ms=2_000)

    with pytest.raises(OutcomeUnknown):
        client.phone_number(sandbox.tell("phone_code", user="lan1")["code"])
    assert sandbox.ask("metrics")["phone_numbers"]["answered"] == 1


@pytest.fixture
def callback():
    """An address of ours for WeChat to call, with a reader behind it."""
    reader = PushReader(
        APPID, token="pushToken", encoding_aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    )
    opened = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            query = dict(parse_qsl(urlsplit(self.path).query))
            self._answer(lambda: reader.verify_url(**query))

        def do_POST(self):
            query = dict(parse_qsl(urlsplit(self.path).query))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(lambda: opened.append(reader.open_push(query, body, clock())) or "success")

        def _answer(self, work):
            try:
                status, text = 200, work()
            except PushRejected:
                status, text = 403, "rejected"
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/callbacks/wechat", opened
        server.shutdown()
        thread.join(60)


SHAPES = [("json", "bare"), ("json", "wrapped"), ("json", "flat"), ("xml", "bare")]


@pytest.mark.parametrize(("format", "shape"), SHAPES, ids=["bare", "wrapped", "flat", "xml"])
def test_pushes_are_opened_in_every_shape(sandbox_client, sandbox, callback, format, shape):
    url, opened = callback
    sandbox.tell(
        "callback",
        "PUT",
        url=url,
        token="pushToken",
        aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        format=format,
        json_shape=shape,
    )
    openid = sandbox.openid("lan")

    assert sandbox.tell("notify/verify") == {"echoed": True}
    sandbox.tell("subscribe", openid=openid, results={TEMPLATE: "accept"})
    sandbox.tell("notify/drain")
    msgid = sandbox_client.send_subscribe_message(openid, TEMPLATE, None, DATA)
    sandbox.tell("notify/drain")
    sandbox.tell("settings_reject", openid=openid)
    sandbox.tell("notify/drain")

    assert [(push.event, push.openid) for push in opened] == [
        ("subscribe_msg_popup_event", openid),
        ("subscribe_msg_sent_event", openid),
        ("subscribe_msg_change_event", openid),
    ]
    popup, sent, change = (push.results for push in opened)
    assert [(result.template_id, result.outcome) for result in popup] == [(TEMPLATE, "accept")]
    assert [(result.msgid, result.error_code) for result in sent] == [(msgid, 0)]
    assert [(result.template_id, result.outcome) for result in change] == [(TEMPLATE, "reject")]


@pytest.mark.parametrize("what", ["body", "signature", "app_id", "timestamp"])
def test_falsified_pushes_are_rejected(sandbox, callback, what):
    url, opened = callback
    sandbox.tell(
        "callback", "PUT", url=url, token="pushToken", aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    )
    sandbox.tell("subscribe", openid=sandbox.openid("lan"), results={TEMPLATE: "accept"})
    sandbox.tell("notify/drain")

    assert sandbox.tell("notify/tamper", what=what)["answers"] == [403]
    assert len(opened) == 1


def test_copies_of_one_push_have_one_key(sandbox, callback):
    url, opened = callback
    sandbox.tell(
        "callback", "PUT", url=url, token="pushToken", aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    )
    sandbox.tell("subscribe", openid=sandbox.openid("lan"), results={TEMPLATE: "accept"})
    sandbox.tell("notify/drain")
    sandbox.tell("notify/duplicate", copies=5)
    sandbox.tell("notify/replay")

    assert len(opened) == 7
    assert len({push.dedupe_key for push in opened}) == 1
