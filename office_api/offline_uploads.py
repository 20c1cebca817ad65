"""What tills sold without network and uploaded."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout.offline_report import UploadView, uploads
from app.staff.roles import ADJUST_POINTS
from office_api.guard import STAFF, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict

blueprint = Blueprint(
    "offline_uploads",
    __name__,
    url_prefix="/office/v1/offline-uploads",
    description="Uploads of offline tills",
)
guarded(blueprint, require_staff)


class UploadsArguments(PageArguments):
    show = fields.String(
        load_default="all",
        validate=validate.OneOf(("all", "refused", "gaps")),
        metadata={"description": "gaps: of the last 31 days, those before which numbers are missing"},
    )


class UploadSchema(Strict):
    id = fields.Integer(required=True)
    store = fields.String(required=True)
    terminal = fields.String(required=True)
    sequence = fields.Integer(required=True)
    missing_before = fields.Integer(
        required=True, metadata={"description": "how many numbers right before this one have not come"}
    )
    verdict = fields.String(required=True, validate=validate.OneOf(("recorded", "refused")))
    reason = fields.String(required=True, allow_none=True)
    sale_id = fields.String(required=True, allow_none=True)
    points_earned = fields.Integer(required=True)
    receipt_no = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    sold_at = fields.AwareDateTime(required=True, metadata={"description": "by the till's clock"})
    received_at = fields.AwareDateTime(required=True)


def _dump(upload: UploadView) -> dict[str, Any]:
    return {
        "id": upload.id,
        "store": upload.store,
        "terminal": upload.terminal,
        "sequence": upload.sequence,
        "missing_before": upload.missing_before,
        "verdict": upload.verdict,
        "reason": upload.reason,
        "sale_id": upload.sale_id,
        "points_earned": upload.points,
        "receipt_no": upload.receipt_no,
        "amount_fen": upload.amount_fen,
        "sold_at": upload.sold_at,
        "received_at": upload.received_at,
    }


@blueprint.get("")
@blueprint.arguments(UploadsArguments(), location="query")
@blueprint.response(200, page_of(UploadSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """Uploads of the stores in which the caller may adjust points, newest first."""
    stores = my_stores(ADJUST_POINTS)
    wanted = asked(arguments)
    found = uploads(
        store_ids=stores,
        shown=arguments["show"],
        limit=wanted.limit + 1,
        before=numeric(wanted),
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda upload: upload.id, _dump))
