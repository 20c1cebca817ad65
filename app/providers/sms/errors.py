"""Tencent Cloud's words in ours, and which of them are worth another try.

They come from the error codes of SendSms (API 2021-01-11) and of the API as a whole. A word nobody has met yet counts
as refused, but for `InternalError…`: whatever broke off inside may have sent the message before.
"""

from datetime import datetime

from app.providers import (
    ContentInvalid,
    Misconfigured,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    QuotaExhausted,
    RecipientInvalid,
)
from app.providers.quota_day import until_midnight_s


class TemplateInvalid(ProviderRefused):
    reason = "template_invalid"


class RecipientRefuses(ProviderRefused):
    """The number is on the list of those who want no messages."""

    reason = "recipient_refuses"


class RecipientRested(ProviderUnavailable):
    """This number has had enough for now."""

    reason = "recipient_quota"
    of_recipient = True


class NotAtThisHour(ProviderUnavailable):
    """Advertising is sent by day only."""

    reason = "not_at_this_hour"
    of_recipient = True


_MISCONFIGURED = (
    "AuthFailure",
    "UnauthorizedOperation",
    "FailedOperation.InsufficientBalanceInSmsPackage",
    "FailedOperation.NotEnterpriseCertification",
    "FailedOperation.ProhibitSubAccountUse",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.MissingSignature",
    "InternalError.RequestTimeException",  # a clock that is wrong by minutes, ours
    "InternalError.RestApiInterfaceNotExist",
    "InternalError.SigFieldMissing",
    "InternalError.SigVerificationFail",
    "InvalidParameterValue.SdkAppIdNotExist",
    "UnsupportedOperation.UnsupportedRegion",
    "UnsupportedRegion",
)
_TEMPLATE = (
    "FailedOperation.TemplateIdNotExist",
    "FailedOperation.TemplateIncorrectOrUnapproved",
    "FailedOperation.TemplateUnapprovedOrNotExist",
    "InvalidParameterValue.MarketingTemplateWithoutUnsubscribe",
    "UnsupportedOperation",
)
_CONTENT = (
    "FailedOperation.ContainSensitiveWord",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    "InvalidParameter.DirtyWordFound",
    "InvalidParameterValue.ContentLengthLimit",
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    "InvalidParameterValue.TemplateParameter",
)
_RECIPIENT = ("FailedOperation.PhoneNumberParseFail", "InvalidParameterValue.IncorrectPhoneNumber")
_REFUSED: tuple[tuple[type[ProviderRefused], tuple[str, ...]], ...] = (
    (Misconfigured, _MISCONFIGURED),
    (TemplateInvalid, _TEMPLATE),
    (ContentInvalid, _CONTENT),
    (RecipientInvalid, _RECIPIENT),
    (RecipientRefuses, ("FailedOperation.PhoneNumberInBlacklist",)),
)
#: Of one number, and how long it rests; None: until midnight in China.
_RESTS_S: dict[str, int | None] = {
    "LimitExceeded.DeliveryFrequencyLimit": 60,
    "LimitExceeded.PhoneNumberThirtySecondLimit": 30,
    "LimitExceeded.PhoneNumberOneHourLimit": 3_600,
    "LimitExceeded.PhoneNumberDailyLimit": None,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": None,
}
_PER_SECOND = ("RequestLimitExceeded", "LimitExceeded.GlobalSmsSendingRateLimit", "LimitExceeded.IpLimit")
_COUNTRY_REFUSED = "LimitExceeded.AppCountryOrRegionInBlacklist"


def error_for(code: str, *, rid: str | None, now: datetime) -> ProviderRefused | ProviderUnavailable:
    """The error that `code` (not "Ok") stands for. `now` dates the next day's quota."""
    for kind, prefixes in _REFUSED:
        if code.startswith(prefixes):
            return kind(provider_code=code, rid=rid)
    if code == _COUNTRY_REFUSED:
        return RecipientInvalid(provider_code=code, rid=rid)
    if code in _RESTS_S:
        wait_s = _RESTS_S[code] or until_midnight_s(now)
        return RecipientRested(provider_code=code, rid=rid, retry_after_s=wait_s)
    if code == "FailedOperation.MarketingSendTimeConstraint":
        return NotAtThisHour(provider_code=code, rid=rid, retry_after_s=3_600)
    if code.startswith(_PER_SECOND):
        return QuotaExhausted(provider_code=code, rid=rid, retry_after_s=1)
    if code.startswith("LimitExceeded"):
        return QuotaExhausted(provider_code=code, rid=rid, retry_after_s=until_midnight_s(now))
    if code.startswith("InternalError"):
        return OutcomeUnknown(provider_code=code, rid=rid)
    if code.startswith(("ResourceUnavailable", "ResourceInsufficient", "ServiceUnavailable")):
        return ProviderUnavailable(provider_code=code, rid=rid)
    return ProviderRefused(provider_code=code, rid=rid)
