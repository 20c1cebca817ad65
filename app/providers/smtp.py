"""The one door to a mail server: one letter to one address, over SMTP, from a thread.

Until the server has been given the whole letter nothing was sent. After that, whatever breaks off is unknown.
"""

import logging
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import TypeVar

from app.providers import (
    ContentInvalid,
    Misconfigured,
    NoAnswer,
    ProviderRefused,
    ProviderUnavailable,
    RecipientInvalid,
    Unreachable,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Each step, and the last one, in which servers look at the letter. All of them together are shorter than a lease.
STEP_TIMEOUT_S, LAST_TIMEOUT_S, STEPS = 4.0, 20.0, 8
#: Only 7 bits: not every server takes more.
_POLICY = SMTP.clone(cte_type="7bit")


class MailboxRested(ProviderUnavailable):
    """This mailbox takes none now: greylisted, full, or busy."""

    reason = "mailbox_rested"
    of_recipient = True


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """`tls`: "starttls", "tls" from the first byte, or "none", which settings allow for this machine only."""

    host: str
    port: int
    tls: str
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)


class Line:
    """A connection that is kept for some letters; for one thread at a time."""

    def __init__(self, server: MailServer) -> None:
        self._connected = _nothing_sent_by(lambda: _ready(server))

    def send(self, letter: EmailMessage, *, sender: str, to: str) -> str:
        """Hand over one letter; what the server said on taking it, which often names it.

        Raises `ProviderRefused` (final), `ProviderUnavailable` (nothing was sent) or `NoAnswer` (it may have been).
        """
        content = letter.as_bytes(policy=_POLICY)
        _accepted(_nothing_sent_by(lambda: self._connected.mail(sender)), Misconfigured)
        _accepted(_nothing_sent_by(lambda: self._connected.rcpt(to)), RecipientInvalid)
        code, said = self._handed_over(content)
        _accepted((code, said), ContentInvalid)
        return said.decode("ascii", "replace")[:40]

    def _handed_over(self, content: bytes) -> tuple[int, bytes]:
        self._patient(LAST_TIMEOUT_S)
        try:
            answer = self._connected.data(content)
        except smtplib.SMTPDataError as refused:
            answer = (refused.smtp_code, _bytes(refused.smtp_error))
        except (smtplib.SMTPException, OSError):
            answer = None
        if answer is None:
            log.warning("smtp: no answer after a letter was sent")
            raise NoAnswer
        self._patient(STEP_TIMEOUT_S)
        return answer

    def _patient(self, timeout_s: float) -> None:
        if self._connected.sock is not None:
            self._connected.sock.settimeout(timeout_s)

    def close(self) -> None:
        """Says goodbye, without waiting for long."""
        try:
            self._connected.quit()
        except (smtplib.SMTPException, OSError):
            self._connected.close()


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.tls == "tls":
        tls = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=STEP_TIMEOUT_S, context=tls)
    return smtplib.SMTP(server.host, server.port, timeout=STEP_TIMEOUT_S)


def _ready(server: MailServer) -> smtplib.SMTP:
    """Connected, encrypted and signed in."""
    line = _connected(server)
    try:
        line.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            line.starttls(context=ssl.create_default_context())
            line.ehlo_or_helo_if_needed()
        if server.user is not None and server.password is not None:
            line.login(server.user, server.password)
    except BaseException:
        line.close()
        raise
    return line


def _nothing_sent_by(work: Callable[[], T]) -> T:
    """Raises `Unreachable` for whatever breaks off in a step before the letter."""
    failure: ProviderRefused | ProviderUnavailable
    try:
        return work()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        code = getattr(error, "smtp_code", None)
        later = code is not None and code < 500
        failure = (ProviderUnavailable if later else Misconfigured)(provider_code=code)
    except (smtplib.SMTPException, OSError) as error:
        failure = Unreachable(provider_code=getattr(error, "smtp_code", None))
    # Raised out here, so that not even `__context__` leads to the address or the password.
    log.log(logging.ERROR if failure.reason == "misconfigured" else logging.WARNING, "smtp: %s", failure)
    raise failure


def _accepted(answer: tuple[int, bytes], refused: type[ProviderRefused]) -> None:
    code, text = answer[0], _bytes(answer[1])
    if 200 <= code < 300:
        return
    failure: ProviderRefused | ProviderUnavailable
    if code >= 500:
        failure = refused(provider_code=code)
    elif code == 421 or refused is not RecipientInvalid:
        failure = ProviderUnavailable(provider_code=code)
    else:
        failure = MailboxRested(provider_code=code, retry_after_s=300)
    log.warning("smtp: %s enhanced=%s", failure, text[:5].decode("ascii", "replace"))
    raise failure


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
