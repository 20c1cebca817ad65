"""What a subscribe message's values may look like, by the type of the field.

Source: the parameter table of subscribeMessage.send. Where the table is silent the stricter reading is taken,
so that what passes here has the better chance there: no control characters, no blanks in character_string,
real calendar days.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff"
_CLOCK: Final = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_DAY: Final = r"(\d{4})(?:年(\d{1,2})月(\d{1,2})日|([-/.])(\d{1,2})\4(\d{1,2}))"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_DAY_MOMENT: Final = re.compile(rf"{_DAY}(?:\s?{_CLOCK})?", re.ASCII)
_TIME_MOMENT: Final = re.compile(rf"(?:{_DAY}\s?)?{_CLOCK}", re.ASCII)


def is_valid(kind: str, value: str, choices: tuple[str, ...] = ()) -> bool:
    """Whether ``value`` may stand in a field of type ``kind``. Raises KeyError for an unknown type."""
    if not value or _CONTROL.search(value):
        return False
    return value in choices if kind == "enum" else _RULES[kind](value)


def _shape(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _thing(value: str) -> bool:
    return len(value) <= 20


def _number(value: str) -> bool:
    return re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) is not None and len(value.replace(".", "")) <= 32


def _symbol(value: str) -> bool:
    return len(value) <= 5 and not any(one.isalnum() or one.isspace() for one in value)


def _name(value: str) -> bool:
    if re.search(r"[0-9]", value):
        return False
    return len(value) <= (20 if value.isascii() else 10)


def _moments(moment: re.Pattern[str]) -> Callable[[str], bool]:
    """One moment, or two with ``~`` between them."""

    def valid(value: str) -> bool:
        parts = value.split("~")
        return len(parts) <= 2 and all(_is_moment(moment, part.strip()) for part in parts)

    return valid


def _is_moment(moment: re.Pattern[str], text: str) -> bool:
    found = moment.fullmatch(text)
    if found is None:
        return False
    year, month, day, _, month_2, day_2 = found.groups()
    if year is None:
        return True
    try:
        date(int(year), int(month or month_2), int(day or day_2))
    except ValueError:
        return False
    return True


_RULES: Final[dict[str, Callable[[str], bool]]] = {
    "thing": _thing,
    "number": _number,
    "letter": _shape(r"[A-Za-z]{1,32}"),
    "symbol": _symbol,
    "character_string": _shape(r"[\x21-\x7e]{1,32}"),
    "time": _moments(_TIME_MOMENT),
    "date": _moments(_DAY_MOMENT),
    "amount": _shape(r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]+)?元?"),
    "phone_number": _shape(r"[0-9+\-() #*]{1,17}"),
    "car_number": _shape(rf"(?=.{{1,8}}$)[{_HAN}A-Za-z0-9](?:[A-Za-z0-9]*[{_HAN}A-Za-z0-9])?"),
    "name": _name,
    "phrase": _shape(rf"[{_HAN}]{{1,5}}"),
}
FIELD_TYPES: Final = frozenset(_RULES) | {"enum"}
