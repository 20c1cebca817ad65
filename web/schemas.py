"""The base of every schema and the few kinds of field: unknown fields refused, everything bounded."""

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

#: The largest amount of one sale: ten million yuan in fen. Above it is a mistyped number.
MOST_FEN = 1_000_000_000


class Strict(Schema):
    class Meta:
        unknown = RAISE


def _printable(value: str) -> None:
    """No control characters: PostgreSQL cannot store NUL, and the rest only serve to fool a reader."""
    if not all(c.isprintable() for c in value):
        raise ValidationError("Control characters are not allowed.")


def text(longest: int, shortest: int = 1, **options: Any) -> fields.String:
    """Text of `shortest` to `longest` characters, without control characters."""
    return fields.String(validate=[validate.Length(shortest, longest), _printable], **options)


def whole(low: int, high: int, **options: Any) -> fields.Integer:
    """A JSON integer within bounds. 5.7, "5" and true are refused, not rounded or converted."""
    return fields.Integer(strict=True, validate=validate.Range(low, high), **options)


def fen(low: int = 0, **options: Any) -> fields.Integer:
    """Money in fen."""
    return whole(low, MOST_FEN, **options)


def flag(**options: Any) -> fields.Boolean:
    """JSON true or false and nothing that merely looks like it."""
    return fields.Boolean(truthy={True}, falsy={False}, **options)
