"""Why points were earned, as both faces and pages tell it."""

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from app.points.explain import Part
from web.language import language
from web.schemas import Strict


class PartSchema(Strict):
    rule_no = fields.Integer(required=True)
    version = fields.Integer(required=True, metadata={"description": "of the rule, as it was then"})
    name = fields.String(required=True)
    points = fields.Integer(required=True)
    text = fields.String(required=True, metadata={"description": "the reason, for people"})


def dump_parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """In the language of the request."""
    asked = language()
    return [
        {
            "rule_no": part.rule_no,
            "version": part.version,
            "name": part.name(asked),
            "points": part.points,
            "text": part.text(asked),
        }
        for part in parts
    ]
