"""From a phone number to a ticket that earns."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.find_by_phone import Found, find_by_phone
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.parts import parts
from web.schemas import Strict, text
from web.tiers import TierSchema, dump_tier

blueprint = Blueprint("phone_finds", __name__, url_prefix="/pos/v1/scans", description="Members by phone")
guarded(blueprint, require_till)


class PhoneFindSchema(Strict):
    phone = text(
        24,
        required=True,
        metadata={"description": "as typed: 138 0013 8000, or with a country: +85298765432"},
    )
    staff_no = text(16, required=True, metadata={"description": "whose name stands under the look-up"})


class FoundMemberSchema(Strict):
    name = fields.String(required=True, metadata={"description": "masked"})
    tier = fields.Nested(TierSchema(), required=True)


class FoundSchema(Strict):
    ticket = fields.String(required=True, metadata={"description": "earns in a sale, opens nothing else"})
    expires_at = fields.AwareDateTime(required=True)
    member = fields.Nested(FoundMemberSchema(), required=True)


def _dump(found: Found) -> dict[str, Any]:
    return {
        "ticket": found.ticket,
        "expires_at": found.expires_at,
        "member": {"name": found.name, "tier": dump_tier(found.tier)},
    }


@blueprint.post("/by-phone")
@blueprint.arguments(PhoneFindSchema())
@blueprint.response(201, FoundSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Find a member whose phone is off by its number. Limited, and each look-up is logged under the clerk's name."""
    here = parts()
    found = find_by_phone(
        till=till(arguments["staff_no"]),
        phone=arguments["phone"],
        request=keyed(scope()),
        vault=here.phones,
        throttle=here.throttle,
        now=clock.now(),
    )
    return answer(_dump(found), 201)
