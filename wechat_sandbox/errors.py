"""The platform's error numbers, with the words it is known to use for them."""

from __future__ import annotations

from typing import Final

SYSTEM_BUSY: Final = -1
TOKEN_NOT_LATEST: Final = 40001
BAD_GRANT_TYPE: Final = 40002
BAD_OPENID: Final = 40003
BAD_APP_ID: Final = 40013
BAD_TOKEN: Final = 40014
BAD_CODE: Final = 40029
BAD_TEMPLATE: Final = 40037
BAD_URL: Final = 40066
BAD_SECRET: Final = 40125
BAD_ADDRESS: Final = 40164
CODE_USED: Final = 40163
USER_BLOCKED: Final = 40226
TOKEN_MISSING: Final = 41001
APP_ID_MISSING: Final = 41002
SECRET_MISSING: Final = 41004
CODE_MISSING: Final = 41008
BAD_ARGUMENT: Final = 40097
BAD_SCENE: Final = 40129
BAD_PAGE: Final = 41030
BAD_MINI_PAGE: Final = 40165
TOKEN_EXPIRED: Final = 42001
GET_REQUIRED: Final = 43001
POST_REQUIRED: Final = 43002
NOT_A_FOLLOWER: Final = 43004
NOT_SUBSCRIBED: Final = 43101
TEMPLATE_BANNED: Final = 43107
SENDING_ALREADY: Final = 43108
DAY_QUOTA: Final = 45009
MINUTE_QUOTA: Final = 45011
CONTENT_TOO_LONG: Final = 45002
WINDOW_CLOSED: Final = 45015
ANSWERS_USED_UP: Final = 45047
SENSITIVE_WORDS: Final = 45168
BAD_JSON: Final = 47001
BAD_DATA: Final = 47003

# Some of the platform's messages put a comma before "rid", some do not: a client must not rely on it.
WORDS: Final = {
    SYSTEM_BUSY: "system error",
    TOKEN_NOT_LATEST: "invalid credential, access_token is invalid or not latest,",
    BAD_GRANT_TYPE: "invalid grant_type",
    BAD_OPENID: "invalid openid",
    BAD_APP_ID: "invalid appid",
    BAD_TOKEN: "invalid access_token",
    BAD_CODE: "invalid code,",
    BAD_TEMPLATE: "invalid template_id",
    BAD_URL: "invalid url",
    BAD_SECRET: "invalid appsecret,",
    BAD_ADDRESS: "invalid ip, not in whitelist,",
    CODE_USED: "code been used,",
    USER_BLOCKED: "code blocked,",
    TOKEN_MISSING: "access_token missing",
    APP_ID_MISSING: "appid missing",
    SECRET_MISSING: "appsecret missing",
    CODE_MISSING: "missing code",
    BAD_ARGUMENT: "invalid args",
    BAD_SCENE: "invalid scene",
    BAD_PAGE: "invalid page",
    BAD_MINI_PAGE: "invalid weapp pagepath",
    TOKEN_EXPIRED: "access_token expired",
    GET_REQUIRED: "require GET method",
    POST_REQUIRED: "require POST method",
    NOT_A_FOLLOWER: "require subscribe",
    NOT_SUBSCRIBED: "user refuse to accept the msg",
    TEMPLATE_BANNED: "subscribe message capability or template banned",
    SENDING_ALREADY: "concurrent sending to the same user",
    DAY_QUOTA: "reach max api daily quota limit",
    MINUTE_QUOTA: "api minute-quota reach limit, must slower, retry next minute,",
    CONTENT_TOO_LONG: "content size out of limit",
    WINDOW_CLOSED: "response out of time limit or subscription is canceled",
    ANSWERS_USED_UP: "out of response count limit",
    SENSITIVE_WORDS: "message contains sensitive words",
    BAD_JSON: "data format error",
    BAD_DATA: "argument invalid!",
}


class PlatformError(Exception):
    """An answer with an errcode. ``detail`` follows the platform's words, e.g. the field at fault."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.detail = detail

    def body(self, rid: str) -> dict[str, object]:
        """The JSON the platform answers, its errmsg ending with the request id."""
        words = " ".join(part for part in (WORDS.get(self.errcode, "error"), self.detail) if part)
        return {"errcode": self.errcode, "errmsg": f"{words} rid: {rid}"}
