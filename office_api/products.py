"""What members bought lately, and what goes with it: for whoever plans what is told, and to whom."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields

from app.recommendations.products import ProductView, bought_with, products
from app.staff.roles import MANAGE_SEGMENTS
from office_api.guard import STAFF, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, text

blueprint = Blueprint(
    "products", __name__, url_prefix="/office/v1/products", description="What members buy, and buy with it"
)
guarded(blueprint, require_staff)


class ProductsArguments(PageArguments):
    search = text(
        64,
        load_default=None,
        metadata={"description": "how the article number begins, or a part of the name"},
    )


class ProductSchema(Strict):
    sku = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "as on the newest receipts"})
    category = fields.String(required=True)
    buyers = fields.Integer(required=True, metadata={"description": "members who bought it within 180 days"})
    last_on = fields.Date(required=True)
    excluded = fields.Boolean(
        required=True, metadata={"description": "not recommended, by the policy `recommendations`"}
    )


class BoughtWithSchema(Strict):
    sku = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    together = fields.Integer(required=True, metadata={"description": "members counted who bought both"})
    share_percent = fields.Integer(
        required=True, metadata={"description": "of those counted who bought the one"}
    )
    excluded = fields.Boolean(required=True)


class BoughtWithListSchema(Strict):
    items = fields.List(fields.Nested(BoughtWithSchema()), required=True)


def _dump(one: ProductView) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "place"}


@blueprint.get("")
@blueprint.arguments(ProductsArguments(), location="query")
@blueprint.response(200, page_of(ProductSchema))
@blueprint.doc(security=STAFF)
def list_products(arguments: dict[str, Any]) -> Response:
    """What members bought lately, as counted last night; those that most bought first."""
    my_stores(MANAGE_SEGMENTS)
    wanted = asked(arguments)
    found = products(search=arguments["search"], limit=wanted.limit + 1, after=numeric(wanted) or 0)
    return answer(page(found, wanted, lambda one: one.place, _dump))


@blueprint.get("/<path:sku>/bought-with")
@blueprint.response(200, BoughtWithListSchema())
@blueprint.doc(security=STAFF)
def show_bought_with(sku: str) -> Response:
    """What members buy who bought it: twenty at most, what goes with it best first."""
    my_stores(MANAGE_SEGMENTS)
    return answer({"items": [asdict(one) for one in bought_with(sku=sku)]})
