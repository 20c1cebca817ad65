"""Login from a WeChat mini-program: the code of `wx.login`, redeemed with WeChat."""

from datetime import datetime

from app.errors import DomainError, TooMany
from app.identity.models import WECHAT_MINI
from app.identity.platforms import (
    LoginCodeInvalid,
    LoginCodeUsed,
    PlatformMisconfigured,
    PlatformUnavailable,
    RiskBlocked,
    VerifiedIdentity,
)
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient, errors


class WechatMini:
    name = WECHAT_MINI

    def __init__(self, client: WechatClient) -> None:
        self._client = client
        self.app_id: str = client.appid

    def canonical(self, credential: str) -> str:
        """A code is its own spelling."""
        return credential

    def verify(self, credential: str, *, now: datetime) -> VerifiedIdentity:
        """Works once for each code. Raises as `Platform.verify` says, `Busy` while too many wait for WeChat."""
        try:
            with self._client.places.one():
                session = self._client.code_to_session(credential)
        except (ProviderRefused, ProviderUnavailable) as failure:
            raise in_our_words(failure) from failure
        return VerifiedIdentity(self.name, self.app_id, session.openid, session.unionid)


def in_our_words(failure: ProviderRefused | ProviderUnavailable) -> DomainError:
    """What WeChat said to a code, for logging in or for a phone number, as the business puts it."""
    match failure:
        case errors.CodeInvalid():
            return LoginCodeInvalid()
        case errors.CodeUsed():
            return LoginCodeUsed()
        case errors.RiskBlocked():
            return RiskBlocked()
        case errors.QuotaExhausted():
            return TooMany(retry_after_s=failure.retry_after_s or 60)
        case ProviderUnavailable(retry_after_s=None):
            return PlatformUnavailable()
        case ProviderUnavailable():
            return PlatformUnavailable(retry_after_s=failure.retry_after_s)
    return PlatformMisconfigured()
