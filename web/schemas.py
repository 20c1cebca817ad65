"""The base of every schema and the few kinds of field: unknown fields refused, everything bounded."""

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

#: The largest amount of one sale: ten million yuan in fen. Above it is a mistyped number.
MOST_FEN = 1_000_000_000


class Strict(Schema):
    class Meta:
        unknown = RAISE


def _printable(value: str) -> None:
    """No control characters: PostgreSQL cannot store NUL, and the rest only serve to fool a reader."""
    if not value.isprintable():
        raise ValidationError("Control characters are not allowed.")


def text(longest: int, shortest: int = 1, **options: Any) -> fields.String:
    """Text of `shortest` to `longest` characters, without control characters."""
    return fields.String(validate=[validate.Length(shortest, longest), _printable], **options)


def label(longest: int, **options: Any) -> fields.String:
    """What people call something: with a blank around it two would look the same, and blanks alone like none."""
    shown = validate.Regexp(r"^\S(?:.*\S)?$", error="Must not begin or end with a blank.")
    return fields.String(validate=[validate.Length(1, longest), _printable, shown], **options)


def receipt_number(**options: Any) -> fields.String:
    """As on the receipt: with a blank around it the same receipt would count once more."""
    return label(40, **options)


def prose(longest: int, **options: Any) -> fields.String:
    """The same in several lines, and more than blanks: what somebody writes to somebody."""

    def written(value: str) -> None:
        if not value.strip():
            raise ValidationError(f"Length must be between 1 and {longest}.")
        _printable(value.replace("\n", ""))

    return fields.String(validate=[validate.Length(1, longest), written], **options)


def password(shortest: int = 1, **options: Any) -> fields.String:
    """A password: whatever somebody's keyboard types, ideographic spaces included."""
    return fields.String(validate=validate.Length(shortest, 128), **options)


def pin() -> fields.String:
    """The PIN of the clerk who is named; not kept, not even as part of the request's hash (web/idempotency.py)."""
    return fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=16),
        metadata={"description": "the clerk's PIN; without it anybody may have named them"},
    )


def whole(low: int, high: int, **options: Any) -> fields.Integer:
    """A JSON integer within bounds. 5.7, "5" and true are refused, not rounded or converted."""
    return fields.Integer(strict=True, validate=validate.Range(low, high), **options)


def fen(low: int = 0, **options: Any) -> fields.Integer:
    """Money in fen."""
    return whole(low, MOST_FEN, **options)


class Flag(fields.Boolean):
    """JSON true or false and nothing that merely looks like it: in Python, 1 equals True and would pass."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def flag(**options: Any) -> fields.Boolean:
    """JSON true or false."""
    return Flag(**options)


class QueryNumber(fields.Integer):
    """A number in a query: digits and nothing else, where `int()` would take "1_000", " 7 " and "٧"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Day(fields.Date):
    """A date in a year that every calendar here knows."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        day = super()._deserialize(value, attr, data, **kwargs)
        if not 2000 <= day.year < 2200:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return day


class Problem(Schema):
    """RFC 9457. docs/errors.md lists the codes; some add data of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "where the code is explained"})
    title = fields.String(required=True, metadata={"description": "the status in words"})
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "the stable word to act on"})
    detail = fields.String(
        required=True, metadata={"description": "for people, in the language they asked for"}
    )
    request_id = fields.String(required=True, metadata={"description": "as in the X-Request-Id header"})
    retry_after_s = fields.Integer(metadata={"description": "seconds until it is worth trying again"})
    fields_ = fields.Dict(
        data_key="fields",
        attribute="fields",
        metadata={"description": "what is wrong with which field; for people, like `detail`"},
    )
