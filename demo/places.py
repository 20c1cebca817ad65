"""Where things are while the demo runs, and the table that tells the user."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from demo.chain import STAFF

_STOP_HERE = "Ctrl-C 全部停止 stops everything；make demo-reset 清空重来 starts over"
_STOP_ELSEWHERE = (
    "在启动它的终端中按 Ctrl-C 全部停止 Ctrl-C in the terminal where it was started stops everything"
)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Addresses and ways in; all of it works on this machine only."""

    app: str
    sandbox: str
    redis: bool
    folder: str
    till: str
    till_key: str = field(repr=False)
    password: str = field(repr=False)


def table(places: Places, *, here: bool = True) -> str:
    """What `make demo` prints when everything runs; `here` tells whether it was started in this terminal."""
    store, _, terminal = places.till.partition("/")
    till = f"{places.app}/till/?store={store}&terminal={terminal}"
    addresses = [
        ("收银台 Till", till, "用下面的账号登录 sign in as below"),
        ("小程序 Mini-program", f"{places.app}/preview/?user=alice", "新顾客 a newcomer"),
        ("", f"{places.app}/preview/?user=demo", "老会员 a member of six months"),
        ("微信沙箱 WeChat sandbox", f"{places.sandbox}/", "每部手机收到的消息 messages on each phone"),
        ("", f"{places.sandbox}/letters", "短信与邮件 SMS and e-mail"),
        ("接口文档 API docs", f"{places.app}/docs", ""),
    ]
    logins = [(person.login, person.chinese, person.english) for person in STAFF]
    keys = [
        ("收银机密钥 API key", places.till_key, f"收银机 till {places.till}"),
        ("运维命令 Operators", ".venv/bin/python -m demo flask --help", "见 see docs/commands.md"),
        ("curl 走查 curl walk", f"{places.folder}/demo.env", "见 README see README"),
        (
            "日志 logs",
            f"{places.folder}/*.log",
            "" if places.redis else "未找到 Redis，不影响使用 no Redis, none needed",
        ),
    ]
    return "\n".join(
        [
            "会员中心演示正在运行 The Member Center demo is running",
            "",
            *_columns(addresses),
            "",
            f"账号 Logins，密码 password: {places.password}",
            *_columns(logins),
            "",
            *_columns(keys),
            "",
            _STOP_HERE if here else _STOP_ELSEWHERE,
        ]
    )


def _columns(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    listed = list(rows)
    first = max(_width(row[0]) for row in listed) + 2
    second = max(_width(row[1]) for row in listed) + 2
    return [f"  {_padded(a, first)}{_padded(b, second)}{c}".rstrip() for a, b, c in listed]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
