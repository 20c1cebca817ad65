"""What holds for the whole brand: the named policies."""

from typing import Any

import msgspec
from flask import Response
from marshmallow import fields

from app import clock, policies
from app.errors import NotFound
from app.points.adjust import AdjustmentPolicy
from app.staff.roles import MANAGE_RULES
from app.stored_value.policy import StoredValuePolicy
from office_api.guard import STAFF, actor, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict, whole

blueprint = Blueprint(
    "policies", __name__, url_prefix="/office/v1/policies", description="Policies of the whole brand"
)
guarded(blueprint, require_staff)

KINDS: dict[str, type[policies.Policy]] = {kind.NAME: kind for kind in (AdjustmentPolicy, StoredValuePolicy)}


class PolicySchema(Strict):
    name = fields.String(required=True)
    version = fields.Integer(
        required=True, metadata={"description": "0: nobody has set it, these are defaults"}
    )
    value = fields.Dict(keys=fields.String(), required=True)


class PoliciesSchema(Strict):
    items = fields.List(fields.Nested(PolicySchema()), required=True)


def _dump(name: str, policy: policies.InForce[Any]) -> dict[str, Any]:
    return {"name": name, "version": policy.version, "value": msgspec.to_builtins(policy.value)}


@blueprint.get("")
@blueprint.response(200, PoliciesSchema())
@blueprint.doc(security=STAFF)
def listing() -> Response:
    """All policies as they stand; docs/policies.md tells what each field means."""
    need(MANAGE_RULES, None)
    return answer({"items": [_dump(name, policies.standing(kind)) for name, kind in KINDS.items()]})


class PolicyChangeSchema(Strict):
    version = whole(0, 2**31 - 1, required=True, metadata={"description": "the one in force, as read"})
    value = fields.Dict(keys=fields.String(), required=True, metadata={"description": "the whole policy"})


@blueprint.put("/<string:name>")
@blueprint.arguments(PolicyChangeSchema())
@blueprint.response(200, PolicySchema())
@blueprint.doc(security=STAFF)
def change(arguments: dict[str, Any], name: str) -> Response:
    """Set a policy anew, whole. What happened before keeps the policy it happened under."""
    need(MANAGE_RULES, None)
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound
    changed = policies.change(
        kind=kind,
        value=arguments["value"],
        version=arguments["version"],
        actor=actor(),
        now=clock.now(),
    )
    return answer(_dump(name, changed))
