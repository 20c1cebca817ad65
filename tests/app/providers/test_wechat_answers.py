"""Every error number of WeChat that we know, sorted."""

import pickle

import pytest
from scripted_wechat import MORNING

from app.providers import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat.answers import MAX_ANSWER_BYTES, read_answer
from app.providers.wechat.errors import (
    CODE_TO_SESSION,
    PHONE_NUMBER,
    STABLE_TOKEN,
    SUBSCRIBE_SEND,
    ContentInvalid,
)

RID = "652d44d0-1a2b3c4d-5e6f7a8b"


def answer(errcode, path=SUBSCRIBE_SEND, errmsg="something went wrong"):
    body = b'{"errcode": %d, "errmsg": "%s, rid: %s"}' % (errcode, errmsg.encode(), RID.encode())
    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        read_answer(path, 200, body, now=MORNING)
    return caught.value


@pytest.mark.parametrize(
    ("path", "errcode", "reason"),
    [
        (CODE_TO_SESSION, 40029, "code_invalid"),
        (CODE_TO_SESSION, 41008, "code_invalid"),
        (CODE_TO_SESSION, 40163, "code_used"),
        (CODE_TO_SESSION, 40226, "risk_blocked"),
        (CODE_TO_SESSION, 40013, "misconfigured"),
        (CODE_TO_SESSION, 40125, "misconfigured"),
        (CODE_TO_SESSION, 41002, "misconfigured"),
        (CODE_TO_SESSION, 41004, "misconfigured"),
        (CODE_TO_SESSION, 40164, "misconfigured"),
        (PHONE_NUMBER, 40029, "code_invalid"),
        (PHONE_NUMBER, 40013, "code_invalid"),
        (STABLE_TOKEN, 40001, "misconfigured"),
        (STABLE_TOKEN, 40002, "misconfigured"),
        (STABLE_TOKEN, 40243, "misconfigured"),
        (STABLE_TOKEN, 43002, "misconfigured"),
        (STABLE_TOKEN, 89503, "misconfigured"),
        (SUBSCRIBE_SEND, 40003, "recipient_invalid"),
        (SUBSCRIBE_SEND, 40037, "template_invalid"),
        (SUBSCRIBE_SEND, 41030, "page_invalid"),
        (SUBSCRIBE_SEND, 43101, "no_subscription"),
        (SUBSCRIBE_SEND, 43107, "template_banned"),
        (SUBSCRIBE_SEND, 45168, "content_sensitive"),
        (SUBSCRIBE_SEND, 47003, "content_invalid"),
        (SUBSCRIBE_SEND, 99999, "refused"),
    ],
)
def test_a_no_is_final(path, errcode, reason):
    refused = answer(errcode, path)

    assert isinstance(refused, ProviderRefused)
    assert (refused.reason, refused.provider_code, refused.rid) == (reason, errcode, RID)


@pytest.mark.parametrize(
    ("path", "errcode", "reason", "retry_after_s"),
    [
        (CODE_TO_SESSION, -1, "busy", None),
        (CODE_TO_SESSION, 45011, "quota", 60),
        (STABLE_TOKEN, 45009, "quota", 15 * 3600),
        (SUBSCRIBE_SEND, 45009, "quota", 15 * 3600),  # 09:00 in China: until midnight there
        (SUBSCRIBE_SEND, 43108, "concurrent_send", 1),
        (SUBSCRIBE_SEND, 40001, "token_rejected", None),
        (SUBSCRIBE_SEND, 40014, "token_rejected", None),
        (SUBSCRIBE_SEND, 42001, "token_rejected", None),
    ],
)
def test_a_not_now_may_be_repeated(path, errcode, reason, retry_after_s):
    unavailable = answer(errcode, path)

    assert isinstance(unavailable, ProviderUnavailable)
    assert not isinstance(unavailable, OutcomeUnknown)
    assert (unavailable.reason, unavailable.rid) == (reason, RID)
    assert unavailable.retry_after_s == retry_after_s


def test_the_field_wechat_complains_about_is_named():
    refused = answer(47003, errmsg="argument invalid! data.thing1.value invalid")

    assert isinstance(refused, ContentInvalid)
    assert refused.field == "thing1"


def test_the_words_of_wechat_are_not_repeated(caplog):
    refused = answer(40003, errmsg="invalid openid oSOMEBODY")

    assert "oSOMEBODY" not in str(refused) + repr(refused) + caplog.text


def test_a_wrong_setting_is_an_error_in_the_log_and_names_wechats_request(caplog):
    answer(40125, CODE_TO_SESSION)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert RID in record.getMessage()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b'{"errcode":0,"err',
        b"[]",
        b"null",
        b'{"errcode": true}',
        b'{"errcode": "0"}',
        b"\xff\xfe{}",
        b"[" * 50_000,
        b'{"a":"' + b"x" * MAX_ANSWER_BYTES + b'"}',
    ],
    ids=["empty", "html", "cut", "list", "null", "true", "text", "not utf-8", "deep", "huge"],
)
def test_an_answer_nobody_can_read_leaves_the_outcome_unknown(body):
    with pytest.raises(OutcomeUnknown) as caught:
        read_answer(SUBSCRIBE_SEND, 200, body, now=MORNING)

    assert caught.value.reason == "bad_answer"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "gateway_error"),
        (302, "gateway_error"),
        (403, "gateway_error"),
        (429, "quota"),
        (500, "gateway_error"),
        (502, "gateway_error"),
        (503, "gateway_error"),
        (504, "no_answer"),
    ],
)
def test_a_status_of_whoever_stands_before_wechat_means_later(status, reason):
    with pytest.raises(ProviderUnavailable) as caught:
        read_answer(SUBSCRIBE_SEND, status, b'{"errcode": 0}', now=MORNING)

    assert caught.value.reason == reason
    assert isinstance(caught.value, OutcomeUnknown) == (status == 504)


def test_errors_travel_between_processes_whole():
    refused = pickle.loads(pickle.dumps(answer(47003, errmsg="data.amount2 invalid")))

    assert (refused.field, refused.provider_code, refused.rid) == ("amount2", 47003, RID)
    assert str(refused) == f"content_invalid provider_code=47003 rid={RID}"
