"""Points and purchases: what there is, and where it came from."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.sales import SaleView, sales_of_member
from app.identity.sessions import token_hash
from app.points.statement import Movement, movements, overview
from app.texts import say
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.explained import PartSchema, dump_parts
from web.guards import bearer_token, guarded
from web.language import language
from web.paging import PageArguments, asked, numeric, page, page_of
from web.pending import PendingSchema, dump_pending
from web.schemas import Strict
from web.tendered import RecordedTenderSchema, dump_tenders

blueprint = Blueprint("points", __name__, url_prefix="/api/v1/me", description="Points and purchases")
guarded(blueprint, require_member)

#: Apart, because here the token is checked by the very statement that reads the balance: one trip.
balance_blueprint = Blueprint(
    "balance", __name__, url_prefix="/api/v1/me", description="Points and purchases"
)


def require_token() -> None:
    """There is a token; whose it is, and whether it still counts, is asked together with the balance."""
    bearer_token()


guarded(balance_blueprint, require_token)


class ExpiringSchema(Strict):
    points = fields.Integer(required=True)
    until = fields.AwareDateTime(
        required=True, metadata={"description": "how far `points` looks ahead: 30 days from now"}
    )
    earliest_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "when the first of them end; at that instant they are over"},
    )


class OverviewSchema(Strict):
    points = fields.Integer(required=True, metadata={"description": "what may be spent now"})
    owed = fields.Integer(
        required=True,
        metadata={"description": "spent before what had earned them went back; the next points pay them"},
    )
    pending = fields.Nested(
        PendingSchema(),
        required=True,
        metadata={"description": "points that may not be spent yet; not in `points`"},
    )
    expiring_soon = fields.Nested(ExpiringSchema(), required=True)


@balance_blueprint.get("/points")
@balance_blueprint.response(200, OverviewSchema())
@balance_blueprint.doc(security=MEMBER)
def balance() -> Response:
    """Points that may be spent now, how many of them end within 30 days, and those that wait."""
    held = overview(token_hash=token_hash(bearer_token()), now=clock.now())
    return answer(
        {
            "points": held.points,
            "owed": held.owed,
            "pending": dump_pending(held.pending, held.pending_from),
            "expiring_soon": {
                "points": held.expiring,
                "until": held.expiring_until,
                "earliest_at": held.expiring_from,
            },
        }
    )


class MovementSchema(Strict):
    id = fields.String(required=True)
    points = fields.Integer(required=True)
    balance_after = fields.Integer(
        required=True,
        metadata={
            "description": "the ledger's running balance after this entry: the sum of all entries so far. Points that"
            " wait are in it, and those whose time is over stay in it; `GET /api/v1/me/points` tells what may be spent"
        },
    )
    reason = fields.String(required=True)
    text = fields.String(required=True)
    store = fields.String(required=True, allow_none=True)
    occurred_at = fields.AwareDateTime(required=True)
    available_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "of a credit: from when it may be spent"},
    )
    expires_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "of a credit: when it is over; this instant is no longer in time"},
    )
    valid_through = fields.Date(
        required=True,
        allow_none=True,
        metadata={
            "description": "of a credit: the last day on which it may be spent, by the calendar of the store (UTC for"
            " points that were given in no store); the date to show"
        },
    )
    earned = fields.List(
        fields.Nested(PartSchema()),
        required=True,
        metadata={"description": "of points for a purchase: which rule gave what"},
    )


def _text(movement: Movement) -> str:
    key, words = f"entry.{movement.reason}", language()
    if movement.activity is None:
        return say(key, words)
    return say(f"{key}.named", words, name=movement.activity[words == "en"])


def _dump_movement(movement: Movement) -> dict[str, Any]:
    return {
        "id": str(movement.seq),
        "points": movement.points,
        "balance_after": movement.balance_after,
        "reason": movement.reason,
        "text": _text(movement),
        "store": movement.store,
        "occurred_at": movement.occurred_at,
        "available_at": movement.available_at,
        "expires_at": movement.expires_at,
        "valid_through": movement.valid_through,
        "earned": dump_parts(movement.earned),
    }


@blueprint.get("/points/entries")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(MovementSchema))
@blueprint.doc(security=MEMBER)
def entries(arguments: dict[str, Any]) -> Response:
    """Every movement, newest first: why, where, when."""
    wanted = asked(arguments)
    found = movements(member_id=me().id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda movement: movement.seq, _dump_movement))


class PurchaseSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True, metadata={"description": "its name"})
    store_code = fields.String(required=True)
    receipt_no = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True, metadata={"description": "all refunds together"})
    points_earned = fields.Integer(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    discount_fen = fields.Integer(required=True, metadata={"description": "less than the goods cost"})
    tenders = fields.List(
        fields.Nested(RecordedTenderSchema()), required=True, metadata={"description": "empty: nobody told"}
    )


def _dump_purchase(sale: SaleView) -> dict[str, Any]:
    return {
        "id": sale.id,
        "store": sale.store,
        "store_code": sale.store_code,
        "receipt_no": sale.receipt_no,
        "amount_fen": sale.amount_fen,
        "refunded_fen": sale.refunded_fen,
        "points_earned": sale.points_earned,
        "occurred_at": sale.occurred_at,
        "discount_fen": sale.discount_fen,
        "tenders": dump_tenders(sale.tenders),
    }


@blueprint.get("/sales")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(PurchaseSchema))
@blueprint.doc(security=MEMBER)
def purchases(arguments: dict[str, Any]) -> Response:
    """The member's purchases, newest first."""
    wanted = asked(arguments)
    found = sales_of_member(member_id=me().id, limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda sale: sale.id, _dump_purchase))
