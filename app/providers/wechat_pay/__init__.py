"""The one door to WeChat Pay, API version 3, for payments in mini-programs.

WechatPay    order, query, close, refund; what the phone needs; what WeChat Pay calls us with
Merchant     who we are, and whose signatures we believe
errors       WeChat Pay's error words in our words
"""

from app.providers.wechat_pay.client import CURRENCY, WechatPay
from app.providers.wechat_pay.merchant import Merchant
from app.providers.wechat_pay.notifications import NotificationRejected
from app.providers.wechat_pay.results import (
    ClientParams,
    NoPayment,
    Payment,
    RefundResult,
    RefundState,
    TradeState,
)
from app.providers.wechat_pay.transport import WECHAT_PAY_API_BASE

__all__ = [
    "CURRENCY",
    "WECHAT_PAY_API_BASE",
    "ClientParams",
    "Merchant",
    "NoPayment",
    "NotificationRejected",
    "Payment",
    "RefundResult",
    "RefundState",
    "TradeState",
    "WechatPay",
]
