"""The one door to WeChat's API, for mini-programs.

WechatClient      login codes, phone numbers, single messages (threads)
SubscribeSender   messages by the thousand (asyncio)
PushReader        what WeChat calls us with
fit_fields        what a template field takes
errors            WeChat's error numbers in our words
"""

from app.providers.wechat.client import Code2Session, WechatClient
from app.providers.wechat.fields import FieldInvalid, fit_fields
from app.providers.wechat.push import Push, PushReader, PushRejected, SubscribeResult
from app.providers.wechat.sending import Sent, SubscribeSender
from app.providers.wechat.transport import WECHAT_API_BASE

__all__ = [
    "WECHAT_API_BASE",
    "Code2Session",
    "FieldInvalid",
    "Push",
    "PushReader",
    "PushRejected",
    "Sent",
    "SubscribeResult",
    "SubscribeSender",
    "WechatClient",
    "fit_fields",
]
