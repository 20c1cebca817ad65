"""WeChat Pay's error words in our words, and which of them are worth another try.

The words come from the platform's pages for ordering, querying, closing and refunding, old and new. A word
nobody has met yet counts as refused when the status is 4xx, and as unknown when it is 5xx: WeChat asks to
repeat those with the same numbers, which is harmless, and a new number might take or return money twice.
"""

from app.providers import BadAnswer, OutcomeUnknown, ProviderRefused, ProviderUnavailable


class OrderNumberUsed(ProviderRefused):
    """The number belongs to an order with other contents, or to a paid one."""

    reason = "order_number_used"


class OrderPaid(ProviderRefused):
    reason = "order_paid"


class OrderClosed(ProviderRefused):
    reason = "order_closed"


class NotFound(ProviderRefused):
    """WeChat Pay has no such order or refund."""

    reason = "not_found"


class RequestInvalid(ProviderRefused):
    """Something in the request is not allowed, or not allowed in the order's present state."""

    reason = "request_invalid"


class PayerMismatch(ProviderRefused):
    """The openid is not one of this app."""

    reason = "payer_mismatch"


class Forbidden(ProviderRefused):
    """Risk control or a limit of the payer or the merchant stands against it."""

    reason = "forbidden"


class AccountAbnormal(ProviderRefused):
    """The payer's account is closed: the money cannot go back this way."""

    reason = "account_abnormal"


class Misconfigured(ProviderRefused):
    """Key, serial, merchant, app or rights are wrong: somebody has to change a setting, no payer can help."""

    reason = "misconfigured"


class QuotaExhausted(ProviderUnavailable):
    reason = "quota"


class PaymentUnderWay(ProviderUnavailable):
    """The payer is typing the password right now: ask again in a moment."""

    reason = "payment_under_way"


class MerchantBalanceTooLow(ProviderUnavailable):
    """The merchant's balance does not cover the refund: fill it up, then repeat with the same refund number."""

    reason = "merchant_balance_too_low"


class PlatformFailed(OutcomeUnknown):
    """5xx: it may have been done. Repeat with the same numbers."""

    reason = "platform_failed"


#: How long WeChat wants to be left alone after 429; its pages do not say.
QUOTA_PAUSE_S = 60

_KINDS: dict[str, type[ProviderRefused] | type[ProviderUnavailable]] = {
    "OUT_TRADE_NO_USED": OrderNumberUsed,
    "ORDERPAID": OrderPaid,
    "ORDER_CLOSED": OrderClosed,
    "ORDERCLOSED": OrderClosed,
    "ORDER_NOT_EXIST": NotFound,
    "ORDERNOTEXIST": NotFound,
    "RESOURCE_NOT_EXISTS": NotFound,
    "PARAM_ERROR": RequestInvalid,
    "INVALID_REQUEST": RequestInvalid,
    "INVALID_TRANSACTIONID": RequestInvalid,
    "OPENID_MISMATCH": PayerMismatch,
    "RULELIMIT": Forbidden,
    "RULE_LIMIT": Forbidden,
    "TRADE_ERROR": Forbidden,
    "ACCOUNTERROR": Forbidden,
    "ACCOUNT_ERROR": Forbidden,
    "USER_ACCOUNT_ABNORMAL": AccountAbnormal,
    "SIGN_ERROR": Misconfigured,
    "APPID_MCHID_NOT_MATCH": Misconfigured,
    "MCH_NOT_EXISTS": Misconfigured,
    "NO_AUTH": Misconfigured,
    "NOAUTH": Misconfigured,
    "USERPAYING": PaymentUnderWay,
    "NOT_ENOUGH": MerchantBalanceTooLow,
    "NOTENOUGH": MerchantBalanceTooLow,
    "FREQUENCY_LIMITED": QuotaExhausted,
    "RATELIMIT_EXCEEDED": QuotaExhausted,
    "SYSTEM_ERROR": PlatformFailed,
    "SYSTEMERROR": PlatformFailed,
    "BANKERROR": PlatformFailed,
    "BANK_ERROR": PlatformFailed,
}


def error_for(status: int, code: str | None, *, rid: str | None) -> ProviderRefused | ProviderUnavailable:
    """The error that a status and WeChat Pay's word for it (None: unreadable) stand for."""
    kind = _KINDS.get(code or "")
    if kind is QuotaExhausted or (kind is None and status == 429):
        return QuotaExhausted(provider_code=code, rid=rid, retry_after_s=QUOTA_PAUSE_S)
    if kind is not None:
        return kind(provider_code=code, rid=rid)
    if status >= 500:
        return PlatformFailed(provider_code=code, rid=rid)
    if code is not None and 400 <= status < 500:
        return ProviderRefused(provider_code=code, rid=rid)
    # A redirect or a firewall's page: whoever said it, it was not WeChat Pay saying no.
    return BadAnswer(provider_code=code, rid=rid)
