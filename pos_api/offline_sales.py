"""Sales that a till made without network, uploaded afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.checkout.bill import Bill, Line
from app.checkout.offline import Uploaded, upload
from app.checkout.offline_item import REASONS, Item, Scan
from app.checkout.offline_kept import MOST_GAPS
from pos_api.guard import TILL, require_till, till
from pos_api.sales import MOST_LINES, LineSchema
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import content_hash
from web.parts import parts
from web.schemas import Strict, fen, receipt_number, text, whole

blueprint = Blueprint(
    "offline_sales", __name__, url_prefix="/pos/v1", description="Sales made without network"
)
guarded(blueprint, require_till)

MOST_ITEMS = 100
#: What JSON numbers hold exactly everywhere.
MOST_SEQUENCE = 2**53 - 1


class Moment(fields.AwareDateTime):
    """In years that every calendar here knows; whether it makes sense is for the verdict to say."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not 2000 <= moment.year < 2200:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return moment


class OfflineSaleSchema(Strict):
    sequence = whole(
        1, MOST_SEQUENCE, required=True, metadata={"description": "the till's own number, growing by one"}
    )
    # Whatever a scanner may send: judging it is the business of scan_codes.
    code = fields.String(
        load_default=None, metadata={"description": "as it was scanned; without it, a sale without member"}
    )
    scanned_at = Moment(load_default=None)
    sold_at = Moment(required=True)
    receipt_no = receipt_number(required=True, metadata={"description": "unique in the store"})
    amount_fen = fen(required=True)
    lines = fields.List(
        fields.Nested(LineSchema()), load_default=[], validate=validate.Length(max=MOST_LINES)
    )
    staff_no = text(16, load_default=None)

    @validates_schema
    def code_has_its_time(self, data: dict[str, Any], **_: Any) -> None:
        missing = [name for name in ("code", "scanned_at") if data.get(name) is None]
        if len(missing) == 1:
            raise ValidationError(self.fields[missing[0]].error_messages["required"], missing[0])


class OfflineSalesSchema(Strict):
    items = fields.List(
        fields.Nested(OfflineSaleSchema()), required=True, validate=validate.Length(1, MOST_ITEMS)
    )


class VerdictSchema(Strict):
    sequence = fields.Integer(required=True)
    verdict = fields.String(required=True, validate=validate.OneOf(("recorded", "refused")))
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf((*REASONS, None)),
        metadata={"description": "why it was refused"},
    )
    sale_id = fields.String(required=True, allow_none=True)
    points_earned = fields.Integer(required=True)


class GapSchema(Strict):
    first = fields.Integer(required=True)
    last = fields.Integer(required=True)


class UploadedSchema(Strict):
    items = fields.List(fields.Nested(VerdictSchema()), required=True)
    missing = fields.List(
        fields.Nested(GapSchema()),
        required=True,
        validate=validate.Length(max=MOST_GAPS),
        metadata={"description": "numbers of this till that never came, both ends included; the newest gaps"},
    )


def _item(sent: dict[str, Any], hashed: bytes) -> Item:
    code, scanned_at = sent["code"], sent["scanned_at"]
    return Item(
        sequence=sent["sequence"],
        hash=hashed,
        sold_at=sent["sold_at"],
        scan=None if code is None else Scan(code=code, at=scanned_at),
        bill=Bill(
            receipt_no=sent["receipt_no"],
            amount_fen=sent["amount_fen"],
            lines=[Line(**line) for line in sent["lines"]],
        ),
        staff_no=sent["staff_no"],
    )


def _dump(uploaded: Uploaded) -> dict[str, Any]:
    return {
        "items": [
            {
                "sequence": verdict.sequence,
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "sale_id": verdict.sale_id,
                "points_earned": verdict.points,
            }
            for verdict in uploaded.verdicts
        ],
        "missing": [{"first": gap.first, "last": gap.last} for gap in uploaded.missing],
    }


@blueprint.post("/offline-sales")
@blueprint.arguments(OfflineSalesSchema())
@blueprint.response(200, UploadedSchema())
@blueprint.doc(security=TILL)
def create(arguments: dict[str, Any]) -> Response:
    """Upload what was sold without network: each item gets its verdict, and the same one whenever it is sent again.

    Terminal and `sequence` are the key of an item; there is no header. They earn, and do nothing else.
    """
    here = parts()
    sent = request.get_json()["items"]
    uploaded = upload(
        till=till(),
        items=[_item(item, content_hash(raw)) for item, raw in zip(arguments["items"], sent, strict=True)],
        issuer=here.issuer,
        throttle=here.throttle,
        now=clock.now(),
    )
    return answer(_dump(uploaded))
