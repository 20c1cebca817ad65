"""Stored value: what there is of each kind, and where it came from."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.db import reading
from app.stored_value.balance import held
from app.stored_value.statement import Movement, movements
from app.texts import say
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict

blueprint = Blueprint("stored_value", __name__, url_prefix="/api/v1/me/balance", description="Stored value")
guarded(blueprint, require_member)


class EndingSchema(Strict):
    bonus_fen = fields.Integer(required=True)
    until = fields.AwareDateTime(
        required=True, metadata={"description": "how far `bonus_fen` looks ahead: 30 days from now"}
    )
    earliest_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "when the first of it ends; at that instant it is over"},
    )


class BalanceSchema(Strict):
    principal_fen = fields.Integer(
        required=True, metadata={"description": "what the member paid; never ends"}
    )
    bonus_fen = fields.Integer(required=True, metadata={"description": "given on top; what may be spent now"})
    bonus_to_come_fen = fields.Integer(
        required=True, metadata={"description": "bonus that is released in later months"}
    )
    ending_soon = fields.Nested(EndingSchema(), required=True)


@blueprint.get("")
@blueprint.response(200, BalanceSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """Principal and bonus, each for itself, and how much of the bonus ends within 30 days."""
    with reading() as connection:
        has = held(connection, me().id, now=clock.now())
    return answer(
        {
            "principal_fen": has.principal_fen,
            "bonus_fen": has.bonus_fen,
            "bonus_to_come_fen": has.bonus_to_come_fen,
            "ending_soon": {
                "bonus_fen": has.ending_fen,
                "until": has.ending_until,
                "earliest_at": has.ending_from,
            },
        }
    )


class BalanceMovementSchema(Strict):
    id = fields.String(required=True)
    part = fields.String(required=True, validate=validate.OneOf(("principal", "bonus")))
    amount_fen = fields.Integer(required=True)
    after_fen = fields.Integer(
        required=True, metadata={"description": "the ledger's running balance of that part"}
    )
    reason = fields.String(required=True)
    text = fields.String(required=True)
    store = fields.String(
        required=True, allow_none=True, metadata={"description": "null: in the mini-program"}
    )
    occurred_at = fields.AwareDateTime(required=True)
    available_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "of a credit: from when it may be spent"},
    )
    expires_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "of bonus: when it is over"}
    )
    valid_through = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "of bonus: the last day on which it may be spent; the date to show"},
    )


def _dump(movement: Movement) -> dict[str, Any]:
    return {
        "id": f"{movement.part}-{movement.seq}",
        "part": movement.part,
        "amount_fen": movement.amount_fen,
        "after_fen": movement.after_fen,
        "reason": movement.reason,
        "text": say(f"balance.{movement.reason}.{movement.part}", language()),
        "store": movement.store,
        "occurred_at": movement.occurred_at,
        "available_at": movement.available_at,
        "expires_at": movement.expires_at,
        "valid_through": movement.valid_through,
    }


@blueprint.get("/entries")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(BalanceMovementSchema))
@blueprint.doc(security=MEMBER)
def entries(arguments: dict[str, Any]) -> Response:
    """Every movement of both parts, newest first."""
    wanted = asked(arguments)
    found = movements(member_id=me().id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda movement: movement.no, _dump))
