"""The one door to WeChat's API, for the mini-program and the official account.

WechatClient      login codes, phone numbers, single messages (threads)
SubscribeSender   subscribe messages by the thousand (asyncio)
TemplateSender    template messages of the official account, likewise
ServiceSender     what customer service answers, likewise
PushReader        what WeChat calls us with
fit_fields        what a template field takes
errors            WeChat's error numbers in our words
"""

from app.providers.wechat.client import Code2Session, Follower, WechatClient
from app.providers.wechat.fields import FieldInvalid, fit_fields
from app.providers.wechat.push import Push, PushReader, PushRejected, SubscribeResult
from app.providers.wechat.sending import Sent, ServiceSender, SubscribeSender, TemplateSender
from app.providers.wechat.transport import WECHAT_API_BASE

__all__ = [
    "WECHAT_API_BASE",
    "Code2Session",
    "FieldInvalid",
    "Follower",
    "Push",
    "PushReader",
    "PushRejected",
    "Sent",
    "ServiceSender",
    "SubscribeResult",
    "SubscribeSender",
    "TemplateSender",
    "WechatClient",
    "fit_fields",
]
