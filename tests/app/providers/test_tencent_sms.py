"""Tencent Cloud's SMS: what is signed and sent, and what each answer means."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.providers import (
    BadAnswer,
    ContentInvalid,
    Misconfigured,
    NoAnswer,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    QuotaExhausted,
    RecipientInvalid,
    Unreachable,
)
from app.providers.sms import Reply, SmsAccount, TencentSms, replies_in
from app.providers.sms.errors import NotAtThisHour, RecipientRefuses, RecipientRested, TemplateInvalid
from app.providers.sms.replies import ReportMalformed
from tests.sms_peer import APP_ID, SECRET_ID, SECRET_KEY, SIGNATURE, SmsPeer
from wechat_sandbox.sms import said

ACCOUNT = SmsAccount(
    secret_id=SECRET_ID, secret_key=SECRET_KEY, app_id=APP_ID, signature=SIGNATURE, region="ap-guangzhou"
)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # in China
PHONE = "+8613800138000"


@pytest.fixture
def peer() -> Iterator[SmsPeer]:
    with SmsPeer().serving() as peer:
        yield peer


def client(peer: SmsPeer, account: SmsAccount = ACCOUNT, **changed: object) -> TencentSms:
    # Briefly where no answer comes, else as long as a busy machine takes.
    read_timeout_s = 0.3 if "hang" in peer.answers else 60
    settings = {"clock": lambda: NOON, "base_url": peer.url, "read_timeout_s": read_timeout_s, **changed}
    return TencentSms(account, **settings)  # type: ignore[arg-type]


def send(client: TencentSms) -> str:
    return client.send(PHONE, "449739", ["陈", "3"], reference="01MESSAGE")


def failure(client: TencentSms) -> Exception:
    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        send(client)
    return caught.value


def test_a_message_is_signed_and_sent(peer: SmsPeer) -> None:
    assert send(client(peer)) == "2645:1"
    assert peer.received == [
        {
            "PhoneNumberSet": [PHONE],
            "SmsSdkAppId": APP_ID,
            "SignName": SIGNATURE,
            "TemplateId": "449739",
            "TemplateParamSet": ["陈", "3"],
            "SessionContext": "01MESSAGE",
        }
    ]


def test_a_wrong_key_is_for_an_operator_to_mend(peer: SmsPeer) -> None:
    assert isinstance(failure(client(peer, replace(ACCOUNT, secret_key="another"))), Misconfigured)
    assert peer.received == []


@pytest.mark.parametrize(
    ("code", "kind", "retry_after_s"),
    [
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", Misconfigured, None),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Misconfigured, None),
        ("FailedOperation.SignatureIncorrectOrUnapproved", Misconfigured, None),
        ("FailedOperation.TemplateUnapprovedOrNotExist", TemplateInvalid, None),
        ("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", TemplateInvalid, None),
        ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", ContentInvalid, None),
        ("InvalidParameterValue.TemplateParameterLengthLimit", ContentInvalid, None),
        ("FailedOperation.ContainSensitiveWord", ContentInvalid, None),
        ("InvalidParameterValue.IncorrectPhoneNumber", RecipientInvalid, None),
        ("LimitExceeded.AppCountryOrRegionInBlacklist", RecipientInvalid, None),
        ("FailedOperation.PhoneNumberInBlacklist", RecipientRefuses, None),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", RecipientRested, 30),
        ("LimitExceeded.PhoneNumberDailyLimit", RecipientRested, 12 * 3600),
        ("FailedOperation.MarketingSendTimeConstraint", NotAtThisHour, 3600),
        ("LimitExceeded.AppDailyLimit", QuotaExhausted, 12 * 3600),
        ("RequestLimitExceeded", QuotaExhausted, 1),
        ("InternalError.Timeout", OutcomeUnknown, None),
        ("InternalError", OutcomeUnknown, None),
        ("FailedOperation.SomethingNew", ProviderRefused, None),
    ],
)
def test_each_word_is_sorted_and_nothing_is_sent_twice(
    peer: SmsPeer, code: str, kind: type[Exception], retry_after_s: int | None
) -> None:
    peer.answers = [code]

    error = failure(client(peer))

    assert type(error) is kind
    assert getattr(error, "retry_after_s", None) == retry_after_s
    assert getattr(error, "provider_code", None) == code
    assert peer.calls == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("hang", NoAnswer),
        ((200, b"<html>502 Bad Gateway</html>"), BadAnswer),
        ((200, b'{"Response": {"SendSt'), BadAnswer),
        ((200, said({"SendStatusSet": []})), BadAnswer),
        ((200, said({"SendStatusSet": [{"Code": "O\nk"}]})), BadAnswer),
        ((200, b"[" * 50_000), BadAnswer),
        ((200, b" " * 70_000), BadAnswer),
        ((504, b""), NoAnswer),
        ((500, b""), ProviderUnavailable),
        ((502, b""), ProviderUnavailable),
        ((302, b""), ProviderUnavailable),
        ((429, b""), QuotaExhausted),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_answer_is_unknown_or_for_later(
    peer: SmsPeer, answer: str | tuple[int, bytes], kind: type[Exception]
) -> None:
    peer.answers = [answer]

    assert type(failure(client(peer))) is kind
    assert peer.calls == 1


def test_without_a_connection_or_tls_nothing_was_sent(peer: SmsPeer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert isinstance(failure(client(peer, base_url=nobody)), Unreachable)
    bad_tls = peer.url.replace("http:", "https:")
    assert isinstance(failure(client(peer, base_url=bad_tls)), Unreachable)
    assert peer.calls == 0


def test_nothing_secret_is_said_about_a_failure(peer: SmsPeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for answer in ("hang", "FailedOperation.PhoneNumberInBlacklist", (500, b"")):
        peer.answers = [answer]
        error = failure(client(peer))
        assert error.__context__ is None or "1380013" not in repr(error.__context__)
        assert "1380013" not in repr(error)
    for secret in ("1380013", SECRET_KEY, "陈"):
        assert secret not in caplog.text


REPORT = b'{"extend": "", "mobile": "13800138000", "nationcode": "86", "sign": "x", "text": "TD", "time": 1457336869}'


def test_reports_come_alone_or_in_a_list() -> None:
    assert replies_in(REPORT) == [Reply("+8613800138000", "TD")]
    assert len(replies_in(b"[" + REPORT + b"," + REPORT + b"]")) == 2
    assert replies_in(b"[]") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[[]]",
        REPORT.replace(b'"86"', b"86"),
        REPORT.replace(b"13800138000", b"138-001"),
        REPORT.replace(b"TD", b"x" * 501),
        b"[" * 50_000,
        b"[" + b",".join([REPORT] * 201) + b"]",
    ],
    ids=lambda body: str(body[:20]),
)
def test_what_tencent_cloud_would_not_send_is_refused(body: bytes) -> None:
    with pytest.raises(ReportMalformed):
        replies_in(body)
