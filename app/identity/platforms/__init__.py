"""Login platforms: one class each, all telling who somebody is from what their app hands over.

A platform checks a credential and answers with an identity; it knows nothing of members, and nothing a client
says about itself is believed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.errors import Forbidden, Unauthenticated, Unavailable


@dataclass(frozen=True)
class VerifiedIdentity:
    """Unique by `(provider, app_id, subject)`. `union_subject` is the same person across one owner's apps."""

    provider: str
    app_id: str
    subject: str = field(repr=False)
    union_subject: str | None = field(repr=False)


class Platform(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def app_id(self) -> str: ...

    def canonical(self, credential: str) -> str:
        """The one spelling of `credential`: what means the same to `verify` is the same text here.

        A used credential is remembered by it. Nothing is verified yet. Raises `LoginCodeInvalid` for what cannot be
        read.
        """
        ...

    def verify(self, credential: str, *, now: datetime) -> VerifiedIdentity:
        """Who presented `credential`.

        Raises `LoginCodeInvalid`, `LoginCodeUsed`, `LoginExpired`, `RiskBlocked`, `TooMany`,
        `PlatformUnavailable` or `PlatformMisconfigured`; `Busy` when it was not asked at all.
        """
        ...


class LoginCodeInvalid(Unauthenticated):
    """Unknown, expired or forged; the app asks its platform for a new one."""

    code = "login_code_invalid"


class LoginCodeUsed(Unauthenticated):
    code = "login_code_used"


class LoginExpired(Unauthenticated):
    """Genuine, but signed too long ago."""

    code = "login_code_expired"


class RiskBlocked(Forbidden):
    """The platform's own risk control blocks this person."""

    code = "login_risk_blocked"


class PlatformUnavailable(Unavailable):
    """Data may hold `retry_after_s`. The code may be used up: the app asks its platform for a new one."""

    code = "platform_unavailable"


class PlatformMisconfigured(Unavailable):
    """Our app id, secret or rights on the platform are wrong: an alarm for operators, not the member's fault."""

    code = "platform_misconfigured"
