"""Points that may not be spent yet, as all faces tell them."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from web.schemas import Strict


class PendingSchema(Strict):
    points = fields.Integer(required=True)
    earliest_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "from when the first of them may be spent; null: there are none"},
    )


def dump_pending(points: int, earliest_at: datetime | None) -> dict[str, Any]:
    return {"points": points, "earliest_at": earliest_at}
