"""The stores there are, for whoever says which one they mean."""

from typing import Any

from flask import Response
from marshmallow import fields

from app.stores.setup import open_stores
from miniprogram_api.guard import MEMBER, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict

blueprint = Blueprint("member_stores", __name__, url_prefix="/api/v1/stores", description="Stores")
guarded(blueprint, require_member)


class MemberStoreSchema(Strict):
    store = fields.String(required=True, metadata={"description": "code"})
    name = fields.String(required=True)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(MemberStoreSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """Those that are open for business, by code."""
    wanted = asked(arguments)
    found = open_stores(limit=wanted.limit + 1, after=wanted.after)
    return answer(
        page(found, wanted, lambda one: one.code, lambda one: {"store": one.code, "name": one.name})
    )
