"""Error code → (Chinese, English). One sentence each that tells the reader what to do next."""

from app.texts.errors_activities import ACTIVITY_ERRORS
from app.texts.errors_automations import AUTOMATION_ERRORS
from app.texts.errors_campaigns import CAMPAIGN_ERRORS
from app.texts.errors_coupons import COUPON_ERRORS
from app.texts.errors_events import EVENT_ERRORS
from app.texts.errors_feedback import FEEDBACK_ERRORS
from app.texts.errors_quotes import QUOTE_ERRORS
from app.texts.errors_rewards import REWARD_ERRORS
from app.texts.errors_rules import RULE_ERRORS
from app.texts.errors_segments import SEGMENT_ERRORS
from app.texts.errors_settlement import SETTLEMENT_ERRORS
from app.texts.errors_till import TILL_ERRORS
from app.texts.errors_value import VALUE_ERRORS

ERRORS: dict[str, tuple[str, str]] = {
    # HTTP
    "bad_request": ("请求格式有误。", "The request is malformed."),
    "malformed_json": ("请求内容不是有效的 JSON。", "The body is not valid JSON."),
    "no_such_route": ("没有这个地址。", "There is nothing at this address."),
    "method_not_allowed": ("该地址不支持这种请求方式。", "This address does not take that method."),
    "request_timeout": ("请求超时，请重试。", "The request took too long. Please try again."),
    "body_too_large": ("请求内容过大。", "The body is too large."),
    "unsupported_media_type": ("请以 application/json 格式提交。", "Send the body as application/json."),
    "validation_failed": ("有字段填写不正确，详见 fields。", "Some fields are not right; see `fields`."),
    "internal_error": (
        "系统出错了，请稍后再试。",
        "Something went wrong on our side. Please try again later.",
    ),
    # the branches themselves
    "invalid": ("请求无法处理。", "The request cannot be carried out."),
    "unauthenticated": ("请先登录。", "Please sign in."),
    "forbidden": ("您没有权限进行此操作。", "You are not allowed to do this."),
    "not_found": ("没有找到。", "Not found."),
    "conflict": ("与已有记录冲突。", "This clashes with what is already there."),
    "gone": ("已经失效。", "This is no longer valid."),
    "too_many_requests": ("操作过于频繁，请稍后再试。", "Too many attempts. Please wait a moment."),
    "unavailable": ("服务暂时不可用，请稍后再试。", "Not available right now. Please try again later."),
    "version_conflict": (
        "记录已被他人修改，请刷新后再试。",
        "Somebody else changed this. Reload and try again.",
    ),
    "busy": ("系统正忙，请稍后再试。", "Busy. Please try again in a moment."),
    "database_unavailable": (
        "数据库暂时无法连接，请稍后再试。",
        "The database cannot be reached. Please try again.",
    ),
    # idempotency and paging
    "idempotency_key_missing": ("缺少 Idempotency-Key 请求头。", "The Idempotency-Key header is missing."),
    "idempotency_key_malformed": (
        "Idempotency-Key 须为 1 到 200 个可见 ASCII 字符。",
        "Idempotency-Key must be 1 to 200 visible ASCII characters.",
    ),
    "idempotency_key_reused": (
        "该 Idempotency-Key 已用于另一个请求，请换一个。",
        "This Idempotency-Key belongs to another request. Use a new one.",
    ),
    "cursor_malformed": (
        "翻页参数无效，请从第一页开始。",
        "The cursor is not one of ours. Start from the first page.",
    ),
    # logging in, profile, phone number
    "consent_required": (
        "请先阅读并同意《会员服务与隐私政策》。",
        "Please read and agree to the terms and privacy policy first.",
    ),
    "policy_not_current": (
        "《会员服务与隐私政策》已更新，请阅读最新版本后再同意。",
        "The text has changed. Please read the current version and agree to that.",
    ),
    "provider_unknown": ("暂不支持这种登录方式。", "This way of logging in is not set up."),
    "login_forbidden": (
        "会员账号已停用，请联系门店。",
        "This membership is not active. Please ask at the store.",
    ),
    "login_code_invalid": (
        "凭证无效或已过期，请重新操作。",
        "The code is not valid or has expired. Please get a new one.",
    ),
    "login_code_used": ("凭证已使用，请重新操作。", "The code has been used. Please get a new one."),
    "login_code_expired": (
        "登录信息已过期，请重新打开应用。",
        "This was signed too long ago. Please open the app again.",
    ),
    "login_risk_blocked": (
        "该账号存在安全风险，暂时无法登录。",
        "The chat app's risk control blocks this account for now.",
    ),
    "platform_unavailable": (
        "平台暂时没有响应，请稍后重新操作。",
        "The chat app does not answer right now. Please try again with a new code.",
    ),
    "platform_misconfigured": (
        "服务配置有误，我们会尽快处理。",
        "Our connection to the chat app is not set up properly. We are on it.",
    ),
    "page_picture_not_offered": (
        "暂时无法生成小程序码，请直接分享链接。",
        "No picture can be drawn here. Share the link instead.",
    ),
    "phone_not_offered": ("暂不支持绑定手机号。", "Binding a phone number is not offered."),
    "phone_malformed": ("手机号格式不正确。", "This is not a phone number we can use."),
    "phone_in_use": (
        "该手机号已绑定其他会员，请到门店处理。",
        "This number belongs to another membership. Please ask at the store.",
    ),
    "name_impossible": (
        "姓名最多 32 个字，且不能含有控制字符。",
        "A name has at most 32 characters and no control characters.",
    ),
    "birthday_already_set": (
        "生日只能设置一次，如需更正请到门店办理。",
        "The birthday can be set once. Ask at the store to correct it.",
    ),
    "birthday_impossible": (
        "生日有误；未满 14 周岁暂不能登记生日。",
        "This birthday is not possible, or below the age of 14.",
    ),
    # at the till
    **TILL_ERRORS,
    **RULE_ERRORS,
    **SETTLEMENT_ERRORS,
    **ACTIVITY_ERRORS,
    **COUPON_ERRORS,
    **FEEDBACK_ERRORS,
    **QUOTE_ERRORS,
    **EVENT_ERRORS,
    **REWARD_ERRORS,
    **AUTOMATION_ERRORS,
    **CAMPAIGN_ERRORS,
    **SEGMENT_ERRORS,
    **VALUE_ERRORS,
    # back office
    "wrong_login_or_password": ("账号或密码不正确。", "Login or password is not right."),
    "password_too_weak": (
        "密码须为 10 到 128 个字符，至少 5 个不同字符，且不能包含账号。",
        "A password has 10 to 128 characters, at least 5 different ones, and does not contain the login.",
    ),
    "temporary_password_expired": (
        "临时密码已过期，请联系店长重置密码。",
        "The temporary password has expired. Ask your manager for a new one.",
    ),
    "password_change_required": (
        "请先把临时密码改成您自己的密码。",
        "Please change the temporary password to one of your own first.",
    ),
    "current_password_wrong": ("当前密码不正确。", "The current password is not right."),
    "password_unchanged": (
        "新密码不能与当前密码相同。",
        "The new password must differ from the current one.",
    ),
    "login_unusable": (
        "账号须为 2 到 40 个小写字母、数字或 . _ -；工号须为 1 到 16 个大写字母或数字。",
        "A login has 2 to 40 small letters, digits or . _ -; a staff number 1 to 16 capital letters or digits.",
    ),
    "login_taken": ("账号或工号已被使用。", "The login or the staff number is taken."),
    "role_unknown": ("没有这个角色。", "There is no such role."),
    "last_admin": ("至少要保留一名在职管理员。", "At least one active admin must remain."),
    "subscribe_template_taken": (
        "该订阅消息模板已登记，或已用于消费通知。",
        "This template is registered already, or is that of the receipts.",
    ),
    "code_taken": ("编号已被使用。", "This code is taken."),
    "disabled_from_above": (
        "该账号由上级停用，只能由上级恢复。",
        "Somebody above you disabled this account; only they can enable it again.",
    ),
    "code_unusable": (
        "编号须为 1 到 32 个大写字母、数字或连字符，且不以连字符开头。",
        "A code has 1 to 32 capital letters, digits or hyphens and does not begin with a hyphen.",
    ),
    "time_zone_unknown": (
        "没有这个时区，请用 Asia/Shanghai 这样的名称。",
        "There is no such time zone. Use a name such as Asia/Shanghai.",
    ),
    "rule_in_the_past": (
        "规则不能从过去的时间开始。",
        "A rule cannot begin in the past: what was sold keeps its rule.",
    ),
    "rule_malformed": (
        "规则有误，详见 reason。",
        "The rule does not fit together; see `reason`.",
    ),
    "tier_plan_malformed": (
        "会员等级方案有误，详见 reason。",
        "The plan of tiers does not fit together; see `reason`.",
    ),
    "simulation_too_large": (
        "模拟的时间段不对或销售太多：最多 92 天、10 万笔会员销售，请缩短时间段。",
        "Simulate a period of at most 92 days with at most 100,000 sales of members.",
    ),
    "rate_missing": (
        "请填写品牌的积分比例；不积分请填 0。",
        "The brand needs a rate; 0 means that nothing is earned.",
    ),
    "offer_in_the_past": (
        "充值方案不能从过去的时间开始。",
        "An offer cannot begin in the past: what was topped up keeps what it was given.",
    ),
    "offer_malformed": ("充值方案有误，详见 reason。", "The offer does not fit together; see `reason`."),
    # e-mail
    "email_malformed": ("请输入有效的邮箱地址。", "Please enter a valid e-mail address."),
    "email_code_wrong": (
        "验证码错误或已过期，请重新获取。",
        "The code is wrong or too old. Please ask for another one.",
    ),
    "opt_in_not_asked": (
        "只有会员本人要求时，才能代为恢复接收营销信息或个性化推荐。",
        "Marketing or personalised recommendations may be allowed again only if the member asked for it.",
    ),
    "email_not_offered": ("暂不支持绑定邮箱。", "E-mail is not offered here."),
    # chat apps
    "message_field_invalid": (
        "消息模板的字段无法发送，请检查配置。",
        "A field of the message template cannot be sent. Check the settings.",
    ),
    "message_content_impossible": (
        "消息内容无法发送，请检查长度和格式。",
        "The message cannot be sent as it is. Check its length and form.",
    ),
    "sms_report_malformed": ("短信回执的格式不正确。", "This is not a report about SMS."),
    "push_rejected": ("推送验证失败。", "The push did not prove where it comes from."),
    "notification_rejected": (
        "支付通知验证失败。",
        "The payment notification did not prove where it comes from.",
    ),
    # ledger
    "not_enough": ("可用余额不足。", "The balance does not cover this."),
    "already_posted": ("这笔业务已经入账。", "This has been posted before."),
}
