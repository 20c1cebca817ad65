"""What a subscribe message's fields take, type by type, before WeChat answers 47003.

The type is the letters of a key: `thing1`, `amount3`. Prose may be shortened; a number, an amount, a date or an
order number never: a wrong figure in a message is worse than no message. Limits: the platform's page on
subscribeMessage.send; they count Unicode code points.
"""

import re
import unicodedata
from collections.abc import Mapping

from app.errors import Invalid

_ELLIPSIS = "…"
_KEY = re.compile(r"([a-z]+(?:_[a-z]+)*)([0-9]{1,3})")
_HAN = "\u4e00-\u9fff\u3400-\u4dbf\u3007"
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_MONTH, _DATE = "(?:1[0-2]|0?[1-9])", "(?:3[01]|[12][0-9]|0?[1-9])"
_DAY = (
    "[0-9]{4}(?:"
    + "|".join(
        (f"年{_MONTH}月{_DATE}日", f"-{_MONTH}-{_DATE}", f"/{_MONTH}/{_DATE}", rf"\.{_MONTH}\.{_DATE}")
    )
    + ")"
)

_EXACT = {
    "number": re.compile(r"[0-9]+(?:\.[0-9]+)?"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "time": re.compile(rf"(?:{_DAY} )?{_CLOCK}(?: ?~ ?(?:{_DAY} )?{_CLOCK})?"),
    "date": re.compile(rf"{_DAY}(?: {_CLOCK})?(?: ?~ ?{_DAY}(?: {_CLOCK})?)?"),
    "amount": re.compile(r"[¥￥$€£]?[0-9]{1,10}(?:\.[0-9]{1,2})?元?"),
    "phone_number": re.compile(r"\+?[0-9][0-9 -]{2,15}"),
    "car_number": re.compile(rf"[{_HAN}A-Za-z0-9][A-Za-z0-9]{{0,6}}[{_HAN}A-Za-z0-9]"),
    "phrase": re.compile(rf"[{_HAN}]{{1,5}}"),
}
#: What a key may begin with; of `enum` only whoever knows the template's own list can fill one in.
TYPES = frozenset({"thing", "name", *_EXACT})
_NUMBER_DIGITS = 32
_THING = 20
_HAS_HAN = re.compile(f"[{_HAN}]")


class FieldInvalid(Invalid):
    """Data: `field`, the template key whose text cannot be sent."""

    code = "message_field_invalid"


def fit_fields(
    texts: Mapping[str, str], *, choices: Mapping[str, frozenset[str]] | None = None
) -> dict[str, dict[str, str]]:
    """The `data` of a subscribe message. `choices` holds the allowed values of the `enum` fields, by key.

    Raises `FieldInvalid` for an unknown type and for text that does not fit and must not be shortened.
    """
    allowed = choices or {}
    return {key: {"value": _fit(key, text, allowed.get(key, frozenset()))} for key, text in texts.items()}


def _fit(key: str, text: str, allowed: frozenset[str]) -> str:
    named = _KEY.fullmatch(key)
    kind = named.group(1) if named else ""
    line = _one_line(text)
    if line and kind == "thing":
        return _shortened(line, _THING)
    if line and kind == "name":
        return _shortened(line, 10 if _HAS_HAN.search(line) else 20)
    if kind in _EXACT and _EXACT[kind].fullmatch(line) and _digits_fit(kind, line):
        return line
    if kind == "enum" and line in allowed:
        return line
    raise FieldInvalid(field=key)


def _one_line(text: str) -> str:
    """Control characters and line breaks make WeChat refuse the whole message."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text).split())


def _digits_fit(kind: str, line: str) -> bool:
    return kind != "number" or sum(c.isdigit() for c in line) <= _NUMBER_DIGITS


def _shortened(line: str, limit: int) -> str:
    if len(line) <= limit:
        return line
    end = limit - len(_ELLIPSIS)
    while end > 1 and (_continues(line[end]) or line[end - 1] == "\u200d"):
        end -= 1  # never half an emoji or a letter without its accent
    return line[:end].rstrip() + _ELLIPSIS


def _continues(c: str) -> bool:
    return (
        c == "\u200d"
        or unicodedata.combining(c) != 0
        or unicodedata.category(c) in ("Mn", "Me")
        or ("\U0001f3fb" <= c <= "\U0001f3ff")
    )
