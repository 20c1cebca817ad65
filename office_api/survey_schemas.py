"""A survey's questions as the back office speaks of them."""

from marshmallow import fields, validate

from app.engagement import survey_questions as q
from web.schemas import Strict, flag, text, whole


class OptionSchema(Strict):
    name_zh = text(60, required=True)
    name_en = text(100, required=True)


class QuestionSchema(Strict):
    kind = fields.String(
        required=True,
        validate=validate.OneOf(q.QUESTION_KINDS),
        metadata={"description": "stars: 1 to 5; nps: 0 to 10, how likely one recommends us"},
    )
    title_zh = text(100, required=True)
    title_en = text(200, required=True)
    required = flag(load_default=True)
    options = fields.List(
        fields.Nested(OptionSchema()),
        load_default=None,
        allow_none=True,
        validate=validate.Length(2, q.MOST_OPTIONS),
        metadata={"description": "single, multiple"},
    )
    at_least = whole(
        1, q.MOST_OPTIONS, load_default=None, allow_none=True, metadata={"description": "multiple; null: 1"}
    )
    at_most = whole(
        1, q.MOST_OPTIONS, load_default=None, allow_none=True, metadata={"description": "multiple; null: all"}
    )
    most_chars = whole(
        1, q.MOST_CHARS, load_default=None, allow_none=True, metadata={"description": "text; null: 500"}
    )
