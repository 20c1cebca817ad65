"""What a field of a rule is: its name, what it is compared with, and how it becomes SQL.

A condition never comes out as NULL: of a member of whom nothing is known it says false, so that `not` says true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement

from app.segments.gathering import Gathering
from app.typed import convert

Kind = Literal["number", "fen", "days", "flag", "words", "months"]
#: What a rule may name: whether it is there is asked of the database.
Named = Literal["tier", "store", "coupon_template", "list", "campaign"]
#: Whole days that a window, or a number of days, may reach.
MOST_DAYS = 3_660
MOST_NUMBER = 1_000_000_000
MOST_FEN = 1_000_000_000_000
#: How many words of one condition, and how long.
MOST_WORDS, LONGEST_WORD = 100, 64

NUMBER_OPS = ("at_least", "at_most", "between")
WORDS_OPS = ("any_of", "none_of")

_Word = Annotated[str, Meta(min_length=1, max_length=LONGEST_WORD)]
_Words = Annotated[tuple[_Word, ...], Meta(min_length=1, max_length=MOST_WORDS)]
_Months = Annotated[tuple[Annotated[int, Meta(ge=1, le=12)], ...], Meta(min_length=1, max_length=12)]


class ValueFault(Exception):
    """`fault` says what a value should be, `where` at which place of it."""

    def __init__(self, fault: str, where: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.where = where


@dataclass(frozen=True, kw_only=True)
class Field:
    """`most` bounds a number. `windowed`: it takes `days`, the last (of what is to come: the next) whole days.

    `choices` are all the words there are, None where anything may be written; `names` is what its words name.
    """

    name: str
    kind: Kind
    condition: Callable[["Condition", Gathering], ColumnElement[bool]]
    ops: tuple[str, ...]
    most: int = MOST_NUMBER
    windowed: bool = False
    needs_days: bool = False
    choices: tuple[str, ...] | None = None
    names: Named | None = None

    def read(self, op: str, value: object) -> Any:
        """A whole number, a pair of them, true or false, or a tuple without repetition. Raises `ValueFault`."""
        try:
            found = convert(value, self._type(op))
        except msgspec.ValidationError as error:
            fault, _, where = str(error).partition(" - at `$")
            raise ValueFault(fault, where.removesuffix("`")) from None
        if op == "between" and found[0] > found[1]:
            raise ValueFault("between: the second is smaller than the first")
        if self.kind in ("words", "months"):
            return self._distinct(found)
        return found

    def _type(self, op: str) -> Any:
        match self.kind:
            case "flag":
                return bool
            case "words":
                return _Words
            case "months":
                return _Months
        number = Annotated[int, Meta(ge=0, le=self.most)]
        return tuple[number, number] if op == "between" else number

    def _distinct(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        for number, one in enumerate(found):
            if isinstance(one, str) and not one.isprintable():
                raise ValueFault("control characters are not allowed", f"[{number}]")
            if self.choices is not None and one not in self.choices:
                raise ValueFault(f"value is one of {', '.join(self.choices)}", f"[{number}]")
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A leaf of a rule, checked. `place` is where it stands: `$.all[0]`."""

    field: Field
    op: str
    value: Any
    days: int | None
    place: str

    def sql(self, gathering: Gathering) -> ColumnElement[bool]:
        return self.field.condition(self, gathering)
