"""With what a sale was paid, as all faces tell it."""

from collections.abc import Iterable
from typing import Any, get_args

from marshmallow import fields, validate

from app.checkout.tenders import Kind, Tender
from web.schemas import Strict


class RecordedTenderSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(get_args(Kind)))
    amount_fen = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "how many of them the amount took"})


def dump_tenders(tenders: Iterable[Tender]) -> list[dict[str, Any]]:
    return [
        {"kind": tender.kind, "amount_fen": tender.amount_fen, "points": tender.points} for tender in tenders
    ]
