"""WeChat's error numbers in our words, and which of them are worth another try.

The numbers come from the platform's pages for code2Session, getuserphonenumber, stable_token and
subscribeMessage.send, and those of official accounts for user/info and message/template/send. A number nobody has met
yet counts as refused: repeating what we do not understand is how quotas are burnt.
"""

from datetime import datetime

from app.providers import BadAnswer as BadAnswer
from app.providers import ContentInvalid as ContentInvalid
from app.providers import Misconfigured as Misconfigured
from app.providers import NoAnswer as NoAnswer
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers import QuotaExhausted as QuotaExhausted
from app.providers import RecipientInvalid as RecipientInvalid
from app.providers import Unreachable as Unreachable
from app.providers.quota_day import until_midnight_s


class CodeInvalid(ProviderRefused):
    """Unknown, expired (5 minutes) or another app's code."""

    reason = "code_invalid"


class CodeUsed(ProviderRefused):
    reason = "code_used"


class RiskBlocked(ProviderRefused):
    """WeChat's risk control blocks this user from logging in."""

    reason = "risk_blocked"


class NoSubscription(ProviderRefused):
    """Never subscribed, refused, or the one-time credit is used up: the platform's word outranks our count."""

    reason = "no_subscription"


class NotFollower(RecipientInvalid):
    """43004: does not follow the official account, or does no more."""

    reason = "not_follower"


class WindowClosed(ProviderRefused):
    """45015, 45047: customer service may answer for 48 hours after somebody wrote, and only so many times."""

    reason = "window_closed"


class TemplateInvalid(ProviderRefused):
    reason = "template_invalid"


class TemplateBanned(ProviderRefused):
    reason = "template_banned"


class PageInvalid(ProviderRefused):
    reason = "page_invalid"


class ContentSensitive(ProviderRefused):
    reason = "content_sensitive"


class Busy(ProviderUnavailable):
    """-1: WeChat asks to try again in a moment; nothing was done."""

    reason = "busy"


class ConcurrentSend(ProviderUnavailable):
    """43108: another message to the same person is under way."""

    reason = "concurrent_send"
    of_recipient = True


class GatewayError(ProviderUnavailable):
    """An HTTP status instead of an answer."""

    reason = "gateway_error"


class TokenUnavailable(ProviderUnavailable):
    """Nobody could hand out an access token in time."""

    reason = "token_unavailable"


class TokenRejected(ProviderUnavailable):
    """WeChat does not take the access token. The caller replaces it once and asks again."""

    reason = "token_rejected"


#: Paths whose numbers mean something of their own.
STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105 - a path
CODE_TO_SESSION = "/sns/jscode2session"
PHONE_NUMBER = "/wxa/business/getuserphonenumber"
SUBSCRIBE_SEND = "/cgi-bin/message/subscribe/send"
PAGE_PICTURE = "/wxa/getwxacodeunlimit"
TEMPLATE_SEND = "/cgi-bin/message/template/send"
SERVICE_SEND = "/cgi-bin/message/custom/send"
USER_INFO = "/cgi-bin/user/info"

_REFUSED: dict[int, type[ProviderRefused]] = {
    40029: CodeInvalid,
    41008: CodeInvalid,
    40163: CodeUsed,
    40226: RiskBlocked,
    43101: NoSubscription,
    40003: RecipientInvalid,
    43004: NotFollower,
    40037: TemplateInvalid,
    43107: TemplateBanned,
    40165: PageInvalid,
    41030: PageInvalid,
    45015: WindowClosed,
    45047: WindowClosed,
    45168: ContentSensitive,
}
_MISCONFIGURED = frozenset(
    {40002, 40013, 40125, 40164, 40243, 41002, 41004, 43002, 48001, 50004, 50007, 89503, 89506, 89507}
)
_TOKEN_REJECTED = frozenset({40001, 40014, 42001})
_CONTENT_INVALID = 47003
_BUSY, _PER_DAY, _PER_MINUTE, _CONCURRENT = -1, 45009, 45011, 43108


def error_for(
    path: str, errcode: int, *, rid: str | None, field: str | None, now: datetime
) -> ProviderRefused | ProviderUnavailable:
    """The error that `errcode` (not 0) stands for on `path`. `now` dates the next quota window."""
    if errcode in _TOKEN_REJECTED:
        # Asked for a token, WeChat says 40001 when it means the app secret.
        kind = Misconfigured if path == STABLE_TOKEN else TokenRejected
        return kind(provider_code=errcode, rid=rid)
    if errcode == _BUSY:
        return Busy(provider_code=errcode, rid=rid)
    if errcode in (_PER_DAY, _PER_MINUTE):
        # Of mini-program codes, 45009 speaks of the minute.
        wait_s = until_midnight_s(now) if errcode == _PER_DAY and path != PAGE_PICTURE else 60
        return QuotaExhausted(provider_code=errcode, rid=rid, retry_after_s=wait_s)
    if errcode == _CONCURRENT:
        return ConcurrentSend(provider_code=errcode, rid=rid, retry_after_s=1)
    if errcode == _CONTENT_INVALID:
        return ContentInvalid(provider_code=errcode, rid=rid, field=field)
    if errcode == 40013 and path == PHONE_NUMBER:
        return CodeInvalid(provider_code=errcode, rid=rid)  # there it means: the code is another app's
    if errcode in _MISCONFIGURED:
        return Misconfigured(provider_code=errcode, rid=rid)
    return _REFUSED.get(errcode, ProviderRefused)(provider_code=errcode, rid=rid)
