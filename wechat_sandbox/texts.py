"""The words of the pages, in Chinese and English."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "html_lang": "zh-Hans",
        "title": "微信沙箱",
        "other_language": "English",
        "about_1": "这是一台在本机运行的“替身微信”：小程序登录、手机号、订阅消息、支付都由它应答，"
        "演示、测试和压测都不会碰到真正的微信。",
        "about_2": "它是我们对微信官方文档的理解，不是微信本身。文档没写清楚的地方只能推断，"
        "上线前请务必在真实环境里再验证一遍。",
        "about_3": "数据只在内存里，进程一停就没了；只监听本机地址。",
        "phones": "手机",
        "no_phones": "还没有手机。起个名字，添加一台吧。",
        "new_phone": "添加一台手机",
        "phone_name": "名字（字母、数字、- 或 _）",
        "add": "添加",
        "messages_count": "{count} 条消息",
        "blocked": "已被风控拦截",
        "all_phones": "全部手机",
        "service_notices": "服务通知",
        "no_messages": "还没有收到消息",
        "open_page": "进入小程序查看",
        "no_page": "不跳转页面",
        "codes": "取码",
        "login_code": "取登录码",
        "phone_code": "取手机号码凭证",
        "code_note": "五分钟内有效，只能用一次。",
        "subscriptions": "订阅消息",
        "no_templates": "没有配置模板。",
        "credits": "还可接收 {count} 次",
        "unlimited": "长期有效",
        "accept": "同意接收一次",
        "accept_long": "同意接收",
        "refuse": "在设置里拒收",
        "payments": "微信支付",
        "no_payments": "没有待支付的订单",
        "pay": "支付",
        "cancel_payment": "取消支付",
        "paid_done": "支付成功",
        "cancelled_done": "已取消，订单还没有支付",
        "letters": "短信与邮件",
        "letters_about": "本该发往运营商和邮箱的短信、邮件，都留在这里，没有真的发出。",
        "no_letters": "还没有短信或邮件",
        "unsubscribe": "退订（邮件程序的按钮）",
        "sms": "短信",
        "email": "邮件",
        "official": "公众号",
        "follow": "关注公众号",
        "unfollow": "取消关注",
        "openid": "openid",
        "failed": "没有成功，请刷新页面再试。",
        "accepted_done": "已同意",
        "refused_done": "已在设置里拒收，剩余次数清零",
        "not_found": "没有这台手机",
        "needs_script": "按钮需要启用 JavaScript。",
    },
    "en": {
        "html_lang": "en",
        "title": "WeChat sandbox",
        "other_language": "中文",
        "about_1": "A stand-in WeChat on this machine. It answers mini-program logins, "
        "phone numbers, subscribe messages and payments, "
        "so that the demo, the tests and the benchmarks never touch the real one.",
        "about_2": "It is our reading of WeChat's documentation, not WeChat. "
        "Where the documentation is silent, it guesses. Check again on the real platform before going live.",
        "about_3": "Everything is kept in memory and ends with the process. It listens on this machine only.",
        "phones": "Phones",
        "no_phones": "No phones yet. Add one by giving it a name.",
        "new_phone": "Add a phone",
        "phone_name": "Name (letters, digits, - or _)",
        "add": "Add",
        "messages_count": "Messages: {count}",
        "blocked": "Blocked as a risk",
        "all_phones": "All phones",
        "service_notices": "Service notices",
        "no_messages": "No messages yet",
        "open_page": "Open in the mini-program",
        "no_page": "Opens no page",
        "codes": "Codes",
        "login_code": "Get a login code",
        "phone_code": "Get a phone code",
        "code_note": "Good for five minutes and one use.",
        "subscriptions": "Subscribe messages",
        "no_templates": "No templates are configured.",
        "credits": "Sends left: {count}",
        "unlimited": "No limit",
        "accept": "Accept one message",
        "accept_long": "Accept",
        "refuse": "Refuse in settings",
        "payments": "Payments",
        "no_payments": "Nothing to pay",
        "pay": "Pay",
        "cancel_payment": "Cancel",
        "paid_done": "Paid",
        "cancelled_done": "Cancelled; the order is not paid",
        "letters": "SMS and e-mail",
        "letters_about": "What would have gone to phones and mailboxes stays here; nothing of it was really sent.",
        "no_letters": "No SMS and no e-mail yet",
        "unsubscribe": "Unsubscribe (the button of a mail program)",
        "sms": "SMS",
        "email": "E-mail",
        "official": "Official account",
        "follow": "Follow the account",
        "unfollow": "Unfollow",
        "openid": "openid",
        "failed": "That did not work. Reload the page and try again.",
        "accepted_done": "Accepted",
        "refused_done": "Refused in settings; no sends are left",
        "not_found": "No such phone",
        "needs_script": "The buttons need JavaScript.",
    },
}


def language_of(chosen: str | None, accept_language: str) -> str:
    """The language asked for, else the browser's first of the two, else Chinese."""
    if chosen in TEXTS:
        return chosen
    for part in accept_language.lower().split(","):
        tag = part.strip().split("-")[0].split(";")[0]
        if tag in TEXTS:
            return tag
    return "zh"
