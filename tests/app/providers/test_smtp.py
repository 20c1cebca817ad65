"""A mail server: what counts as sent, as refused, and as unknown."""

import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.messages.lease import LEASE
from app.providers import (
    ContentInvalid,
    Misconfigured,
    NoAnswer,
    ProviderRefused,
    ProviderUnavailable,
    RecipientInvalid,
    Unreachable,
    smtp,
)
from app.providers.smtp import Line, MailboxRested, MailServer
from tests.smtp_peer import PASSWORD, USER, SmtpPeer, certificate_in, mail_server

TO, SENDER = "chen@example.com", "hello@example.org"


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    with mail_server() as peer:
        yield peer


def server(port: int, tls: str = "none", user: str | None = None, password: str | None = None) -> MailServer:
    return MailServer(host="127.0.0.1", port=port, tls=tls, user=user, password=password)


def letter() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = SENDER, TO, "您的积分即将到期"
    made.set_content("您好，\n. 一行\n")
    return made


def send(where: MailServer) -> str:
    line = Line(where)
    try:
        return line.send(letter(), sender=SENDER, to=TO)
    finally:
        line.close()


def failure(where: MailServer) -> Exception:
    with pytest.raises((ProviderRefused, ProviderUnavailable)) as caught:
        send(where)
    assert caught.value.__context__ is None
    return caught.value


def test_a_letter_is_taken(peer: SmtpPeer) -> None:
    assert send(server(peer.port)) == "2.0.0 queued as 4711"
    [taken] = peer.taken
    assert (taken["Subject"], taken.get_content().splitlines()) == ("您的积分即将到期", ["您好，", ". 一行"])
    assert max(peer.raw[0]) < 128


def test_one_line_carries_many_letters(peer: SmtpPeer) -> None:
    line = Line(server(peer.port))
    for _ in range(3):
        line.send(letter(), sender=SENDER, to=TO)
    line.close()
    assert (peer.connections, len(peer.taken)) == (1, 3)


@pytest.mark.parametrize(
    ("step", "answer", "kind"),
    [
        ("MAIL", "550 5.7.1 not you", Misconfigured),
        ("MAIL", "451 4.3.0 later", ProviderUnavailable),
        ("RCPT", "550 5.1.1 nobody", RecipientInvalid),
        ("RCPT", "451 4.7.1 greylisted", MailboxRested),
        ("RCPT", "421 4.3.2 closing", ProviderUnavailable),
        ("DATA", "554 5.7.1 spam", ContentInvalid),
        ("DATA", "452 4.3.1 no room", ProviderUnavailable),
    ],
)
def test_each_refusal_is_sorted(peer: SmtpPeer, step: str, answer: str, kind: type[Exception]) -> None:
    peer.says[step] = answer
    assert type(failure(server(peer.port))) is kind
    assert peer.taken == []


@pytest.mark.parametrize("how", ["hang", "drop"])
def test_what_breaks_off_after_the_letter_is_unknown(
    peer: SmtpPeer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LAST_TIMEOUT_S", 0.3)
    peer.says["DATA"] = how
    assert type(failure(server(peer.port))) is NoAnswer
    assert len(peer.taken) == 1


def test_without_a_server_nothing_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert type(failure(server(closed.getsockname()[1]))) is Unreachable


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "STEP_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert type(failure(server(silent.getsockname()[1]))) is Unreachable


def test_a_letter_goes_over_tls_and_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate=certificate, auth=True) as peer:
        send(server(peer.port, "starttls", USER, PASSWORD))
        assert len(peer.taken) == 1
        assert type(failure(server(peer.port, "starttls", USER, "wrong"))) is Misconfigured


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    with mail_server(certificate=certificate_in(tmp_path)) as peer:
        assert type(failure(server(peer.port, "starttls"))) is Unreachable
        assert peer.taken == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_without_tls_gets_nothing_when_it_is_wanted(peer: SmtpPeer, tls: str) -> None:
    assert isinstance(failure(server(peer.port, tls)), Misconfigured | Unreachable)
    assert peer.taken == []


def test_all_steps_together_are_shorter_than_a_lease() -> None:
    assert LEASE.total_seconds() > smtp.STEPS * smtp.STEP_TIMEOUT_S + smtp.LAST_TIMEOUT_S
