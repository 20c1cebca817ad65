"""The one door to Tencent Cloud's SMS. Its official library signs, the requests are ours, as for WeChat Pay.

TencentSms        one message to one phone (threads)
replies_in        what a phone answered, as Tencent Cloud reports it
errors            its words in ours
"""

from app.providers.sms.client import SmsAccount, TencentSms
from app.providers.sms.replies import Reply, replies_in

__all__ = ["Reply", "SmsAccount", "TencentSms", "replies_in"]
