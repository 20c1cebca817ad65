"""The outside world, one door each.

Every provider sorts what can go wrong outside into two kinds, and callers decide by kind alone:

    ProviderRefused        answered, and the answer is no: the same call must never be repeated
    ├── Misconfigured      ours to mend: key, secret, address or rights are wrong, or nothing is set up
    ├── RecipientInvalid   nobody is to be reached there
    └── ContentInvalid     what was to be said is not taken
    ProviderUnavailable    not answered, or asked to come back: the same call may be repeated later
    ├── Unreachable        no connection: nothing was asked
    ├── QuotaExhausted     enough for now, for everybody of ours
    └── OutcomeUnknown     the request went out and no readable answer came back: it may have taken effect
        ├── NoAnswer       no answer in time, or the line went dead
        └── BadAnswer      an answer that cannot be read

Nothing secret ever enters them: no token, code, openid, phone number or address, only our own words
(`reason`), the provider's error number or word and its request id.
"""

from typing import ClassVar


class ProviderRefused(Exception):
    """The provider said no. `reason` is our stable word, `provider_code` and `rid` are the provider's own."""

    reason: ClassVar[str] = "refused"

    def __init__(self, *, provider_code: int | str | None = None, rid: str | None = None) -> None:
        super().__init__()
        self.provider_code = provider_code
        self.rid = rid

    def __str__(self) -> str:
        return _text(self.reason, self.provider_code, self.rid)


class Misconfigured(ProviderRefused):
    """Somebody has to change a setting, no user can help."""

    reason = "misconfigured"


class RecipientInvalid(ProviderRefused):
    reason = "recipient_invalid"


class ContentInvalid(ProviderRefused):
    """`field` is the part that was complained about, when it was named."""

    reason = "content_invalid"

    def __init__(
        self, *, provider_code: int | str | None = None, rid: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(provider_code=provider_code, rid=rid)
        self.field = field


class ProviderUnavailable(Exception):
    """Try again later, after `retry_after_s` seconds when the provider's rules say how long."""

    reason: ClassVar[str] = "unavailable"
    #: Trouble with this one recipient, which says nothing about the provider.
    of_recipient: ClassVar[bool] = False

    def __init__(
        self,
        *,
        provider_code: int | str | None = None,
        rid: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__()
        self.provider_code = provider_code
        self.rid = rid
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return _text(self.reason, self.provider_code, self.rid)


class OutcomeUnknown(ProviderUnavailable):
    """Request bytes were sent and no readable answer came: repeat only what is harmless twice."""

    reason = "outcome_unknown"


class Unreachable(ProviderUnavailable):
    """No connection, so nothing was asked."""

    reason = "unreachable"


class QuotaExhausted(ProviderUnavailable):
    reason = "quota"


class NoAnswer(OutcomeUnknown):
    reason = "no_answer"


class BadAnswer(OutcomeUnknown):
    """An answer we cannot read or believe: cut short, too large, not JSON, or without what it must hold."""

    reason = "bad_answer"


def _text(reason: str, provider_code: int | str | None, rid: str | None) -> str:
    parts = [reason]
    if provider_code is not None:
        parts.append(f"provider_code={provider_code}")
    if rid is not None:
        parts.append(f"rid={rid}")
    return " ".join(parts)
