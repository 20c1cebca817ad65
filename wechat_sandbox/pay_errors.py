"""WeChat Pay's error words, each with its HTTP status and a text."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[int, str]]] = {
    "APPID_MCHID_NOT_MATCH": (400, "AppID和mch_id不匹配"),
    "INVALID_REQUEST": (400, "无效请求"),
    "MCH_NOT_EXISTS": (400, "商户号不存在"),
    "ORDER_CLOSED": (400, "订单已关闭"),
    "ORDERPAID": (400, "订单已支付"),
    "PARAM_ERROR": (400, "参数错误"),
    "SIGN_ERROR": (401, "签名错误"),
    "NO_AUTH": (403, "商户无权限"),
    "NOT_ENOUGH": (403, "余额不足"),
    "OUT_TRADE_NO_USED": (403, "商户订单号重复"),
    "USER_ACCOUNT_ABNORMAL": (403, "退款请求失败"),
    "ORDER_NOT_EXIST": (404, "订单不存在"),
    "RESOURCE_NOT_EXISTS": (404, "查询的资源不存在"),
    "FREQUENCY_LIMITED": (429, "频率超限"),
    "SYSTEM_ERROR": (500, "系统错误"),
}


class PayError(Exception):
    """An answer that says no. ``field`` is the place in the request that is at fault, e.g. ``/amount/total``."""

    def __init__(self, code: str, field: str | None = None, *, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.status = status or WORDS.get(code, (400, ""))[0]

    def body(self) -> dict[str, object]:
        """The JSON the platform answers."""
        answer: dict[str, object] = {"code": self.code, "message": WORDS.get(self.code, (0, "错误"))[1]}
        if self.field is not None:
            answer["detail"] = {"field": self.field, "issue": "invalid", "location": "body"}
        return answer
