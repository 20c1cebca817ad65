"""Error code → (Chinese, English). One sentence each that tells the reader what to do next."""

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
    "busy": ("系统正忙，请用同一个幂等键重试。", "Busy. Please repeat with the same Idempotency-Key."),
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
    # ledger
    "not_enough": ("可用余额不足。", "Not enough to spend."),
    "already_posted": ("这笔业务已经入账。", "This has been posted before."),
}
